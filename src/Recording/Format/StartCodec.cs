using System.Globalization;
using System.Reflection;
using Conclave.Raft;

namespace Conclave.Recording;

/// <summary>What a core was built from: the content of the Start block.</summary>
/// <remarks>Options travel by name, so that one that is added later is recorded without a change here, and one that this version does not know is noticed.</remarks>
internal static class StartCodec
{
    private static readonly PropertyInfo[] Options = [.. typeof(RaftOptions).GetProperties().Where(property => property.CanWrite).OrderBy(property => property.Name, StringComparer.Ordinal)];

    public static void Write(BodyWriter body, RecordingStart start)
    {
        body.Number((ulong)start.StartedUnixMilliseconds);
        body.Text(start.Version);
        body.Number((ulong)Options.Length);
        foreach (PropertyInfo option in Options)
        {
            body.Text(option.Name);
            body.Text(option.GetValue(start.Options) switch
            {
                NodeId node => node.Value.ToString(CultureInfo.InvariantCulture),
                IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
                bool flag => flag ? "1" : "0",
                var other => throw new NotSupportedException($"RaftOptions.{option.Name} is {other?.GetType().Name ?? "null"}, which has no form in a recording."),
            });
        }

        RecoveredState recovered = start.Recovered;
        body.Number(recovered.HardState.Term.Value);
        body.Number(recovered.HardState.VotedFor.Value);
        body.Byte(recovered.Snapshot is null ? (byte)0 : (byte)1);
        if (recovered.Snapshot is { } snapshot) body.Snapshot(snapshot);
        body.Bytes(recovered.Bootstrap.Encode());
        body.Id(recovered.Base);
        body.Id(recovered.LostEnd);
        body.Number(recovered.LastTicket.Sequence);
        body.Number((ulong)recovered.Entries.Count);
    }

    /// <summary>All but the entries, which follow in blocks of their own.</summary>
    /// <param name="body">Of the Start block.</param>
    /// <param name="entries">How many entries follow.</param>
    public static RecordingStart Read(BodyReader body, out ulong entries)
    {
        long started = (long)body.Number();
        string version = body.Text();
        RaftOptions options = new() { Self = new NodeId(1), Seed = 0 };
        int count = body.Count();
        for (int i = 0; i < count; i++) Set(options, body.Text(), body.Text());

        HardState hardState = new(new Term(body.Number()), body.Node());
        SnapshotId? snapshot = body.Byte() == 1 ? body.Snapshot() : null;
        RecoveredState recovered = new()
        {
            HardState = hardState,
            Snapshot = snapshot,
            Bootstrap = body.Membership(),
            Base = body.Id(),
            LostEnd = body.Id(),
            LastTicket = new IoTicket(body.Number()),
        };
        entries = body.Number();
        return body.AtEnd ? new RecordingStart(started, version, options, recovered) : throw body.Misfit();
    }

    private static void Set(RaftOptions options, string name, string value)
    {
        PropertyInfo option = Options.FirstOrDefault(known => known.Name == name)
            ?? throw new RecordingException($"The recording names the option {name}, which this version does not have. Replay it with the version that recorded it.");
        Type type = option.PropertyType;
        try
        {
            option.SetValue(options, ValueOf(type, value));
        }
        catch (Exception e) when (e is FormatException or OverflowException)
        {
            throw new RecordingException($"The recording gives the option {name} the value '{value}', which it cannot have. Replay it with the version that recorded it.", e);
        }
    }

    private static object ValueOf(Type type, string value) =>
        type == typeof(NodeId) ? new NodeId(ulong.Parse(value, CultureInfo.InvariantCulture))
        : type == typeof(bool) ? value == "1"
        : Convert.ChangeType(value, type, CultureInfo.InvariantCulture);
}

/// <summary>Everything that a core was built from.</summary>
/// <param name="StartedUnixMilliseconds">When, by the wall clock; for people only.</param>
/// <param name="Version">Version of the program that recorded it.</param>
/// <param name="Options">Of the core, its seed included.</param>
/// <param name="Recovered">What was on its disk.</param>
public sealed record RecordingStart(long StartedUnixMilliseconds, string Version, RaftOptions Options, RecoveredState Recovered);
