using System.Collections.Immutable;
using System.CommandLine;
using System.Net.Security;
using System.Security.Cryptography;
using Conclave.Cli.Output;
using Conclave.Client;
using Conclave.Client.Rpc;
using Conclave.Wire.Grpc;

namespace Conclave.Cli.Commands;

/// <summary>Options of every command that talks to a cluster, and how such a command runs.</summary>
internal sealed class ClusterOptions
{
    private const string EndpointsVariable = "CONCLAVE_ENDPOINTS", UserVariable = "CONCLAVE_USER", PasswordVariable = "CONCLAVE_PASSWORD", DefaultEndpoint = "127.0.0.1:2379";

    private readonly Option<string[]> _endpoints = new("--endpoints")
    {
        Description = $"Client addresses of members, separated by commas. [env: {EndpointsVariable}; default: {DefaultEndpoint}]",
        Recursive = true,
        HelpName = "host:port,...",
    };

    private readonly Option<TimeSpan?> _timeout = new("--command-timeout")
    {
        Description = "Longest time for one call, such as 500ms. [default: 5s, and 30s for configuration]",
        CustomParser = Duration.Parse,
        Recursive = true,
        HelpName = "time",
    };

    private readonly Option<TimeSpan?> _dialTimeout = new("--dial-timeout")
    {
        Description = "Longest time to open a connection. [default: 2s]",
        CustomParser = Duration.Parse,
        Recursive = true,
        HelpName = "time",
    };

    private readonly Option<string?> _user = new("--user")
    {
        Description = $"Who to be: name, or name:password. The password is better given in {PasswordVariable}, or asked for. [env: {UserVariable}]",
        Recursive = true,
        HelpName = "name[:password]",
    };

    private readonly Option<string?> _cacert = FileOption("--cacert", "Certificates (PEM) that servers' certificates must lead to.");
    private readonly Option<string?> _cert = FileOption("--cert", "Own certificate (PEM), with --key.");
    private readonly Option<string?> _key = FileOption("--key", "Private key (PEM) of --cert.");

    private readonly Option<bool?> _skipVerify = new("--insecure-skip-tls-verify")
    {
        Description = $"Take every server's certificate; for tests only. [env: {Variable("--insecure-skip-tls-verify")}]",
        Recursive = true,
    };

    private readonly Option<bool?> _insecureTransport = new("--insecure-transport")
    {
        Description = $"false: endpoints without http:// or https:// speak TLS also when no certificate is named. [env: {Variable("--insecure-transport")}; default: true]",
        Recursive = true,
    };

    private string? _asked;   // once per command, however many clients it makes

    private readonly Option<string> _output = new("--output", "-o", "-w", "--write-out")
    {
        Description = "table (on a terminal, plain lines otherwise; also called text) or json; for configuration also yaml or ini.",
        DefaultValueFactory = _ => "table",
        Recursive = true,
        HelpName = "table|json|yaml|ini",
    };

    public ClusterOptions() => _output.AcceptOnlyFromAmong("table", "text", "json", "yaml", "ini");

    public IEnumerable<Option> All => [_endpoints, _output, _timeout, _dialTimeout, _user, _cacert, _cert, _key, _skipVerify, _insecureTransport];

    public bool IsJson(ParseResult parsed) => parsed.GetValue(_output) == "json";

    /// <summary>table, text, json, yaml or ini; the last two only for commands that ask for them.</summary>
    public string Format(ParseResult parsed) => parsed.GetValue(_output)!;   // it has a default

    /// <summary>Runs a command against the cluster and turns every failure into a text and an exit code.</summary>
    public async Task<int> RunAsync(ParseResult parsed, Terminal terminal, Func<ConclaveClient, Task<int>> command, bool isConfiguration = false)
    {
        try
        {
            if (!isConfiguration && Format(parsed) is ("yaml" or "ini")) throw new ArgumentException($"This command prints table or json, not {Format(parsed)}.");
            await using ConclaveClient client = new(Build(parsed, terminal, endpoints: null, isConfiguration));
            return await command(client).ConfigureAwait(false);
        }
        catch (ArgumentException e)
        {
            terminal.Fail(TextOf(e));
            return ExitCode.Usage;
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            terminal.Fail($"Cannot read a certificate or key: {e.Message}");
            return ExitCode.Usage;
        }
        catch (ConclaveException e)
        {
            terminal.Fail(e.Message, isConfiguration && e.Code == GrpcCode.PermissionDenied && e.Message.StartsWith(DeniedText, StringComparison.Ordinal)
                ? "Ask an administrator. Permissions on configuration are on names such as /conclave/SPACE/e/DOCUMENT/: docs/configuration.md, Access control." : ExitCode.Remedy(e));
            return ExitCode.Of(e);
        }
    }

    private const string DeniedText = "etcdserver: permission denied";

    /// <summary>What an exception says, without the name of a method's parameter, which says nothing to the reader.</summary>
    public static string TextOf(Exception e) => e is ArgumentException { ParamName: { } name } && e.Message.LastIndexOf($" (Parameter '{name}')", StringComparison.Ordinal) is > 0 and int end ? e.Message[..end] : e.Message;

    /// <summary>A client for other endpoints, with the same options otherwise.</summary>
    public ConclaveClient Connect(ParseResult parsed, Terminal terminal, IEnumerable<string> endpoints) => new(Build(parsed, terminal, [.. endpoints]));

    /// <summary>Who to be; null for nobody.</summary>
    /// <exception cref="ArgumentException">There is a name and no password.</exception>
    public Credentials? Credentials(ParseResult parsed, Terminal terminal)
    {
        if ((parsed.GetValue(_user) ?? terminal.Environment(UserVariable)) is not { Length: > 0 } given) return null;
        int colon = given.IndexOf(':', StringComparison.Ordinal);
        if (colon >= 0) return new Credentials(given[..colon], given[(colon + 1)..]);
        string? password = terminal.Environment(PasswordVariable) ?? (_asked ??= terminal.AskSecret?.Invoke($"Password of {given}: "));
        return new Credentials(given, password ?? throw new ArgumentException($"There is no password for user {given}. Set {PasswordVariable}, or run this on a terminal to be asked."));
    }

    private static Option<string?> FileOption(string name, string description) =>
        new(name) { Description = $"{description} [env: {Variable(name)}]", Recursive = true, HelpName = "file" };

    private static string Variable(string option) => "CONCLAVE_" + option.TrimStart('-').ToUpperInvariant().Replace('-', '_');

    private ConclaveClientOptions Build(ParseResult parsed, Terminal terminal, ImmutableArray<string>? endpoints, bool isConfiguration = false)
    {
        string[] given = parsed.GetValue(_endpoints) is { Length: > 0 } option
            ? option
            : [terminal.Environment(EndpointsVariable) ?? DefaultEndpoint];
        const StringSplitOptions Tidy = StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries;
        bool insecure = Switch(parsed, terminal, _insecureTransport, unsaid: true);
        SslClientAuthenticationOptions? tls = Tls(parsed, terminal, insecure);
        return new ConclaveClientOptions
        {
            Endpoints = [.. (endpoints ?? [.. given.SelectMany(list => list.Split(',', Tidy))]).Select(endpoint => WithScheme(endpoint, isTls: tls is not null))],
            RequestTimeout = parsed.GetValue(_timeout) ?? TimeSpan.FromSeconds(isConfiguration ? 30 : 5),   // a change may be checked for thousands of nodes
            // A person waits for an election, but not for a server that is not there.
            RetryPatience = TimeSpan.FromSeconds(2),
            Credentials = Credentials(parsed, terminal),
            Channel = new RpcChannelOptions { ConnectTimeout = parsed.GetValue(_dialTimeout) ?? TimeSpan.FromSeconds(2), Tls = tls },
        };
    }

    /// <summary>As etcdctl: where the scheme is not written, TLS is spoken when anything was said about it.</summary>
    private static string WithScheme(string endpoint, bool isTls) =>
        isTls && !endpoint.Contains("://", StringComparison.Ordinal) ? "https://" + endpoint : endpoint;

    private SslClientAuthenticationOptions? Tls(ParseResult parsed, Terminal terminal, bool insecure)
    {
        (string? authorities, string? certificate, string? key) = (Text(parsed, terminal, _cacert), Text(parsed, terminal, _cert), Text(parsed, terminal, _key));
        bool skipVerify = Switch(parsed, terminal, _skipVerify, unsaid: false);
        if (key is not null && certificate is null) throw new ArgumentException("--key is given without --cert; a certificate and its key go together.");
        return authorities is null && certificate is null && !skipVerify && insecure ? null : ClientTls.FromFiles(authorities, certificate, key, skipVerify);
    }

    private static string? Text(ParseResult parsed, Terminal terminal, Option<string?> option) =>
        parsed.GetValue(option) ?? (terminal.Environment(Variable(option.Name)) is { Length: > 0 } value ? value : null);

    private static bool Switch(ParseResult parsed, Terminal terminal, Option<bool?> option, bool unsaid)
    {
        if (parsed.GetValue(option) is { } given) return given;
        string name = Variable(option.Name);
        return terminal.Environment(name) switch
        {
            null or "" => unsaid,
            "true" or "1" => true,
            "false" or "0" => false,
            { } other => throw new ArgumentException($"{name} is '{other}'; use true or false."),
        };
    }
}
