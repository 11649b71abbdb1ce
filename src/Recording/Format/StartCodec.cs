using System.Globalization;
using System.Reflection;
using Conclave.Raft;

namespace Conclave.Recording;

/// <summary>What a part says of itself before its saved core: the content of the Start block.</summary>
/// <remarks>Options travel by name, so that one that is added later is recorded without a change here, and one that this version does not know is noticed.</remarks>
internal static class StartCodec
{
    private static readonly PropertyInfo[] Options = [.. typeof(RaftOptions).GetProperties().Where(property => property.CanWrite).OrderBy(property => property.Name, StringComparer.Ordinal)];

    public static void Write(BodyWriter body, PartStart part)
    {
        body.Number((ulong)part.Run.StartedUnixMilliseconds);
        body.Text(part.Run.Version);
        body.Number((ulong)Options.Length);
        foreach (PropertyInfo option in Options)
        {
            body.Text(option.Name);
            body.Text(option.GetValue(part.Run.Options) switch
            {
                NodeId node => node.Value.ToString(CultureInfo.InvariantCulture),
                IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
                bool flag => flag ? "1" : "0",
                var other => throw new NotSupportedException($"RaftOptions.{option.Name} is {other?.GetType().Name ?? "null"}, which has no form in a recording."),
            });
        }

        body.Number((ulong)part.BeganUnixMilliseconds);
        body.Number((ulong)part.Part);
        body.Number((ulong)part.Batches);
        body.Number((ulong)part.Ticks);
    }

    public static PartStart Read(BodyReader body)
    {
        long started = (long)body.Number();
        string version = body.Text();
        RaftOptions options = new() { Self = new NodeId(1), Seed = 0 };
        int count = body.Count();
        for (int i = 0; i < count; i++) Set(options, body.Text(), body.Text());
        PartStart part = new(new RecordingStart(started, version, options), (long)body.Number(), (long)body.Number(), (long)body.Number(), (long)body.Number());
        return body.AtEnd ? part : throw body.Misfit();
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

/// <summary>What is the same in all parts of a recording.</summary>
/// <param name="StartedUnixMilliseconds">When the process began to record, by the wall clock; for people only.</param>
/// <param name="Version">Version of the program that recorded it.</param>
/// <param name="Options">Of the core, its seed included.</param>
public sealed record RecordingStart(long StartedUnixMilliseconds, string Version, RaftOptions Options);

/// <summary>Where a part begins.</summary>
/// <param name="Run">What it is a part of.</param>
/// <param name="BeganUnixMilliseconds">When this part was begun, by the wall clock; for people only.</param>
/// <param name="Part">Its number; the first one is 0.</param>
/// <param name="Batches">In the parts before it.</param>
/// <param name="Ticks">In the parts before it.</param>
public sealed record PartStart(RecordingStart Run, long BeganUnixMilliseconds, long Part, long Batches, long Ticks);
