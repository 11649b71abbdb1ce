using System.CommandLine;
using Conclave.Cli.Output;
using Conclave.Client;
using Conclave.Client.Rpc;
using Conclave.Layers;
using Conclave.Layers.Import;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave import etcd</c>: the keys below a prefix of an etcd, as entries.</summary>
internal sealed class ConfigEtcdImport(ConfigOptions options)
{
    /// <summary>Keys of one page. Values may be large: etcd takes 1.5 MiB each.</summary>
    private const int PageKeys = 200;

    public Command Command()
    {
        Option<string[]> from = new("--from") { Description = "Client addresses of the etcd, separated by commas. (--endpoints is the cluster that takes the configuration.)", Required = true, HelpName = "host:port,..." };
        Option<string> prefix = new("--prefix") { Description = "The directory of its keys; it is cut off, and / stays between section and option. \"\" is all keys.", Required = true, HelpName = "prefix" };
        Option<string> document = new("--document") { Description = "The document that the keys become.", Required = true, HelpName = "name" };
        Option<string> scope = new("--scope") { Description = "For which nodes.", DefaultValueFactory = _ => "*", HelpName = "scope" };
        Option<bool> json = new("--json") { Description = "The values are JSON. Without it they are text, whatever they look like." };
        Option<string?> user = new("--from-user") { Description = "Who to be there: name:password. [env: CONCLAVE_FROM_USER]", HelpName = "name:password" };
        Option<string?> cacert = File("--from-cacert", "Certificates (PEM) that its certificate must lead to."), cert = File("--from-cert", "Own certificate (PEM) there."), key = File("--from-key", "Private key (PEM) of --from-cert.");
        var command = new Command("etcd", "Keys of an etcd, read at one revision.") { from, prefix, document, scope, json, user, cacert, cert, key };
        return options.Run(options.WithChange(command), async (client, parsed, cancellationToken) =>
        {
            if (!Scope.TryParse(ConfigOptions.ScopeOf(parsed.GetRequiredValue(scope)), out Scope? to, out string problem)) throw new ArgumentException(problem);
            string directory = parsed.GetRequiredValue(prefix);
            using ConclaveClient etcd = new(OptionsOf(parsed.GetRequiredValue(from), parsed.GetValue(user) ?? options.Terminal.Environment("CONCLAVE_FROM_USER"), parsed.GetValue(cacert), parsed.GetValue(cert), parsed.GetValue(key)));
            (List<EtcdItem> items, long revision) read;
            try
            {
                read = await ReadAsync(etcd, EtcdImport.DirectoryOf(directory), cancellationToken).ConfigureAwait(false);
            }
            catch (ConclaveException failure)
            {
                options.Terminal.Fail($"The etcd of --from cannot be read: {failure.Message}", "Nothing was published. Check --from, and --from-user, --from-cacert, --from-cert and --from-key where it asks for them.");
                return ExitCode.Of(failure);
            }

            (List<EtcdItem> items, long revision) = read;
            ImportResult result = EtcdImport.Run(items, directory, parsed.GetRequiredValue(document), to, parsed.GetValue(json));
            foreach (ConfigProblem each in result.Problems) options.Terminal.Error.WriteLine(each.ToString());
            if (result.Problems.Any(p => p.IsError)) return ExitCode.Validation;
            if (!options.IsJson(parsed)) options.Terminal.Out.WriteLine($"{ConfigOptions.Count(result.Edits.Length, "key")} of {string.Join(',', etcd.Endpoints.Select(e => e.Authority))} at revision {revision}");
            return result.Edits.IsEmpty ? ExitCode.No : await ConfigFiles.PublishAsync(options, client, parsed, result.Edits, cancellationToken).ConfigureAwait(false);
        });
    }

    private static Option<string?> File(string name, string description) => new(name) { Description = description, HelpName = "file" };

    private static ConclaveClientOptions OptionsOf(string[] from, string? user, string? cacert, string? cert, string? key)
    {
        int colon = user?.IndexOf(':', StringComparison.Ordinal) ?? -1;
        if (user is not null && colon < 1) throw new ArgumentException("--from-user takes name:password.");
        return new ConclaveClientOptions
        {
            Endpoints = [.. from.SelectMany(list => list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))],
            Credentials = user is null ? null : new Credentials(user[..colon], user[(colon + 1)..]),
            Channel = new RpcChannelOptions { Tls = cacert is null && cert is null ? null : ClientTls.FromFiles(cacert, cert, key) },
            RetryPatience = TimeSpan.FromSeconds(2),
        };
    }

    /// <summary>All of it as it was at one moment, however often it changes meanwhile.</summary>
    private static async Task<(List<EtcdItem> Items, long Revision)> ReadAsync(ConclaveClient etcd, string directory, CancellationToken cancellationToken)
    {
        var items = new List<EtcdItem>();
        KeyRange all = KeyRange.Prefix(directory), rest = all;
        long revision = 0;
        while (true)
        {
            RangeResult page = await etcd.RangeAsync(rest, new ReadOptions { Limit = PageKeys, Revision = revision }, cancellationToken).ConfigureAwait(false);
            if (revision == 0) revision = page.Header.Revision;
            items.AddRange(page.Items.Select(i => new EtcdItem(i.Key.Memory, i.Value.Memory, i.LeaseId != 0)));
            if (!page.More) return (items, revision);
            byte[] behind = [.. page.Items[^1].Key.Span, 0];
            rest = KeyRange.Between(behind, all.End);
        }
    }
}
