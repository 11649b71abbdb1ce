using System.CommandLine;
using Conclave.Cli.Output;
using Conclave.Client;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave member</c>: the members of the cluster.</summary>
internal sealed class MemberCommand : Command
{
    private static readonly string[] Columns = ["id", "state", "name", "peer urls", "client urls", "learner"];

    public MemberCommand(Terminal terminal, ClusterOptions cluster) : base("member", "Look at the members of the cluster.")
    {
        Command list = new("list", "List the members.");
        list.SetAction((parsed, cancellationToken) => cluster.RunAsync(parsed, terminal, async client =>
        {
            MemberList members = await client.Members.ListAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
            if (cluster.IsJson(parsed)) WriteJson(terminal, members);
            else Rows.Write(terminal, Columns, members.Members.Select(Row));
            return ExitCode.Done;
        }));
        Add(list);
    }

    private static string[] Row(Member member) =>
    [
        Display.Id(member.Id), member.Name.Length > 0 ? "started" : "unstarted", member.Name,
        string.Join(',', member.PeerUrls), string.Join(',', member.ClientUrls), member.IsLearner ? "true" : "false",
    ];

    private static void WriteJson(Terminal terminal, MemberList members) => Json.WriteLine(terminal, json =>
    {
        Json.Header(json, members.Header);
        json.WriteStartArray("members");
        foreach (Member member in members.Members)
        {
            json.WriteStartObject();
            json.WriteString("id", Display.Id(member.Id));
            json.WriteString("name", member.Name);
            json.WriteStartArray("peer_urls");
            foreach (string url in member.PeerUrls) json.WriteStringValue(url);
            json.WriteEndArray();
            json.WriteStartArray("client_urls");
            foreach (string url in member.ClientUrls) json.WriteStringValue(url);
            json.WriteEndArray();
            json.WriteBoolean("is_learner", member.IsLearner);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });
}
