using System.Collections.Immutable;
using System.CommandLine;
using Conclave.Cli.Members;
using Conclave.Cli.Output;
using Conclave.Client;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave member</c>: the members of the cluster, and changes of them.</summary>
internal sealed class MemberCommand : Command
{
    private static readonly string[] Columns = ["id", "state", "name", "peer urls", "client urls", "learner"];

    public MemberCommand(Terminal terminal, ClusterOptions cluster) : base("member", "Look at the members of the cluster, and change them.")
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
        foreach (Command change in Changes(new MemberChangeRun(terminal, cluster))) Add(change);
    }

    /// <summary><c>conclave move-leader</c>, under the name that etcdctl gives it.</summary>
    public static Command MoveLeader(Terminal terminal, ClusterOptions cluster)
    {
        Argument<string> who = Who();
        return new MemberChangeRun(terminal, cluster).Command("move-leader", "Make another member the leader.", parsed => new MoveLeader(parsed.GetRequiredValue(who)), removes: false, who);
    }

    private static IEnumerable<Command> Changes(MemberChangeRun run)
    {
        Argument<string> newName = new("name") { Description = "Its name, as it is going to be started with." };
        Argument<string> who = Who();
        Option<string[]> urls = PeerUrls();
        Option<bool> learner = new("--learner") { Description = "It receives the data and does not vote until it is promoted." };
        Option<string?> replacementName = new("--name") { Description = "Name of the new member. [default: that of the old one]", HelpName = "name" };

        yield return run.Command("add", "Add a member, and print what to start it with.",
            parsed => new AddMember(parsed.GetRequiredValue(newName), Split(parsed.GetRequiredValue(urls)), parsed.GetValue(learner)), removes: false, newName, urls, learner);
        yield return run.Command("promote", "Let a learner that has caught up vote.", parsed => new PromoteMember(parsed.GetRequiredValue(who)), removes: false, who);
        yield return run.Command("remove", "Remove a member for good.", parsed => new RemoveMember(parsed.GetRequiredValue(who)), removes: true, who);
        yield return run.Command("update", "Change where the other members reach a member.",
            parsed => new UpdateMember(parsed.GetRequiredValue(who), Split(parsed.GetRequiredValue(urls))), removes: false, who, urls);
        yield return run.Command("replace",
            "Put a new member in the place of another one: at once when that one is lost, in two steps when it still works. Exit code 1 when the second step is left to do.",
            parsed => new ReplaceMember(parsed.GetRequiredValue(who), parsed.GetValue(replacementName), Split(parsed.GetRequiredValue(urls))),
            removes: true, who, urls, replacementName);
        yield return run.Command("lead", "Make a member the leader; the same as conclave move-leader.", parsed => new MoveLeader(parsed.GetRequiredValue(who)), removes: false, who);
    }

    private static Argument<string> Who() => new("member") { Description = "Its name or its id, as member list shows them." };

    private static Option<string[]> PeerUrls() => new("--peer-urls")
    {
        Description = "Where the other members are going to reach it, separated by commas.",
        Required = true,
        HelpName = "http://host:port,...",
    };

    private static ImmutableArray<string> Split(string[] lists) =>
        [.. lists.SelectMany(list => list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).Select(url => url.TrimEnd('/'))];

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
