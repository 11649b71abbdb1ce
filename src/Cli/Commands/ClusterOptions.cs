using System.Collections.Immutable;
using System.CommandLine;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Conclave.Cli.Output;
using Conclave.Client;
using Conclave.Client.Rpc;

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
        Description = "Longest time for one call, such as 500ms. [default: 5s]",
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

    private string? _asked;   // once per command, however many clients it makes

    private readonly Option<string> _output = new("--output", "-o", "-w", "--write-out")
    {
        Description = "text (tables on a terminal, plain lines otherwise) or json.",
        DefaultValueFactory = _ => "text",
        Recursive = true,
        HelpName = "text|json",
    };

    public ClusterOptions() => _output.AcceptOnlyFromAmong("text", "json");

    public IEnumerable<Option> All => [_endpoints, _output, _timeout, _dialTimeout, _user, _cacert, _cert, _key];

    public bool IsJson(ParseResult parsed) => parsed.GetValue(_output) == "json";

    /// <summary>Runs a command against the cluster and turns every failure into a text and an exit code.</summary>
    public async Task<int> RunAsync(ParseResult parsed, Terminal terminal, Func<ConclaveClient, Task<int>> command)
    {
        try
        {
            await using ConclaveClient client = new(Build(parsed, terminal, endpoints: null));
            return await command(client).ConfigureAwait(false);
        }
        catch (ArgumentException e)
        {
            terminal.Fail(e.Message);
            return ExitCode.Usage;
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            terminal.Fail($"Cannot read a certificate or key: {e.Message}");
            return ExitCode.Usage;
        }
        catch (ConclaveException e)
        {
            terminal.Fail(e.Message, ExitCode.Remedy(e));
            return ExitCode.Of(e);
        }
    }

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
        new(name) { Description = description, Recursive = true, HelpName = "file" };

    private ConclaveClientOptions Build(ParseResult parsed, Terminal terminal, ImmutableArray<string>? endpoints)
    {
        string[] given = parsed.GetValue(_endpoints) is { Length: > 0 } option
            ? option
            : [terminal.Environment(EndpointsVariable) ?? DefaultEndpoint];
        const StringSplitOptions Tidy = StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries;
        return new ConclaveClientOptions
        {
            Endpoints = endpoints ?? [.. given.SelectMany(list => list.Split(',', Tidy))],
            RequestTimeout = parsed.GetValue(_timeout) ?? TimeSpan.FromSeconds(5),
            // A person waits for an election, but not for a server that is not there.
            RetryPatience = TimeSpan.FromSeconds(2),
            Credentials = Credentials(parsed, terminal),
            Channel = new RpcChannelOptions { ConnectTimeout = parsed.GetValue(_dialTimeout) ?? TimeSpan.FromSeconds(2), Tls = Tls(parsed) },
        };
    }

    private SslClientAuthenticationOptions? Tls(ParseResult parsed)
    {
        (string? authority, string? certificate, string? key) = (parsed.GetValue(_cacert), parsed.GetValue(_cert), parsed.GetValue(_key));
        if (authority is null && certificate is null) return null;
        SslClientAuthenticationOptions tls = new();
        if (certificate is not null)
            tls.ClientCertificates = [X509Certificate2.CreateFromPemFile(certificate, key ?? certificate)];
        if (authority is not null)
        {
            tls.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            tls.CertificateChainPolicy.CustomTrustStore.ImportFromPemFile(authority);
        }

        return tls;
    }
}
