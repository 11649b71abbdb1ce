using System.Text.Json;
using Conclave.Cli.Output;

namespace Conclave.Cli.Members;

/// <summary>The JSON shapes of changes of the members.</summary>
internal static class MemberJson
{
    /// <summary>What a dry run says.</summary>
    public static void Verdict(Utf8JsonWriter json, MemberChange change, MemberVerdict verdict)
    {
        json.WriteString("change", NameOf(change));
        json.WriteBoolean("dry_run", true);
        json.WriteString("verdict", verdict.Severity switch { Severity.Note => "allowed", Severity.Risk => "risky", _ => "refused" });
        Steps(json, verdict.Steps);
        Findings(json, verdict);
    }

    /// <summary>What was done.</summary>
    public static void Result(Utf8JsonWriter json, ulong clusterId, MemberChange change, MemberVerdict verdict, MemberSteps steps, StartFlags? start)
    {
        json.WriteString("change", NameOf(change));
        json.WriteString("cluster_id", Display.Id(clusterId));
        Steps(json, steps.Done);
        if (steps.Target is { } target) json.WriteString("member_id", Display.Id(target.Id));
        if (steps.Added is { } added) json.WriteString("added_id", Display.Id(added.Id));
        if (start is not null)
        {
            json.WriteStartObject("start");
            json.WriteString("name", start.Name);
            json.WriteString("initial_advertise_peer_urls", string.Join(',', start.PeerUrls));
            json.WriteString("initial_cluster", start.InitialCluster);
            json.WriteString("initial_cluster_state", StartFlags.State);
            json.WriteStartArray("arguments");
            foreach (string argument in start.Arguments) json.WriteStringValue(argument);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        Findings(json, verdict);
    }

    public static string NameOf(MemberStep step) => step switch
    {
        MemberStep.AddVoter => "add",
        MemberStep.AddLearner => "add-learner",
        MemberStep.Promote => "promote",
        MemberStep.Remove => "remove",
        MemberStep.Update => "update",
        _ => "move-leader",
    };

    private static string NameOf(MemberChange change) => change switch
    {
        AddMember => "add",
        PromoteMember => "promote",
        RemoveMember => "remove",
        UpdateMember => "update",
        ReplaceMember => "replace",
        _ => "move-leader",
    };

    private static void Steps(Utf8JsonWriter json, IEnumerable<MemberStep> steps)
    {
        json.WriteStartArray("steps");
        foreach (MemberStep step in steps) json.WriteStringValue(NameOf(step));
        json.WriteEndArray();
    }

    private static void Findings(Utf8JsonWriter json, MemberVerdict verdict)
    {
        json.WriteStartArray("findings");
        foreach (Finding finding in verdict.Findings)
        {
            json.WriteStartObject();
            json.WriteString("kind", JsonNamingPolicy.SnakeCaseLower.ConvertName(finding.Kind.ToString()));
            json.WriteString("severity", JsonNamingPolicy.SnakeCaseLower.ConvertName(finding.Severity.ToString()));
            json.WriteString("what", finding.What);
            if (finding.Remedy.Length > 0) json.WriteString("remedy", finding.Remedy);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
