using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace Conclave.Simulator;

/// <summary>A release on its way to its nodes, as one would explain it (I30).</summary>
internal sealed record HistoryRollout
{
    public const string Running = "running", Paused = "paused", Done = "done";

    public required long Release { get; init; }

    public required ConfigStrategy Strategy { get; init; }

    /// <summary>What was there before, at every place that it edits.</summary>
    public required ImmutableDictionary<(string Document, string Scope, string Key), string?> Before { get; init; }

    /// <summary>Its documents, and the newest release of each before it.</summary>
    public required ImmutableSortedDictionary<string, long> BaseReleases { get; init; }

    public required ImmutableArray<long> Thresholds { get; init; }

    public string Phase { get; init; } = Running;

    /// <summary>Whether a node has the release by now. Each has a place in an order that the rollout's number alone decides.</summary>
    public bool Has(string node, string site)
    {
        long position = PositionOf(node);
        for (int i = 0; i < Thresholds.Length; i++)
            if (position <= Thresholds[i] || Strategy.Stages[i].Scope is { Length: > 0 } scope && (scope == $"site={site}" || scope == $"host={node}")) return true;
        return false;
    }

    /// <summary>The rollout after a move; null when it has ended.</summary>
    public static HistoryRollout? Moved(HistoryRollout? was, ConfigRolloutMove move)
    {
        if (was is null) throw new SimulationFailure($"I30: {move.By} makes the rollout of release {move.Release} {move.Phase}, and it has ended.");
        int begun = was.Thresholds.Length;
        bool wasAsked = move.By is "resume" or "advance" or "abort";
        if (was.Phase == Paused && !wasAsked && move.Phase is Running or Done) throw new SimulationFailure($"I30: {move.By} makes the rollout of release {move.Release} {move.Phase}, which is paused.");
        if (move.Thresholds.Length < begun || move.Thresholds.Length > begun + 1 || !move.Thresholds.AsSpan()[..begun].SequenceEqual(was.Thresholds.AsSpan()))
            throw new SimulationFailure($"I30: {move.By} makes stages {string.Join(", ", move.Thresholds)} of the rollout of release {move.Release} of stages {string.Join(", ", was.Thresholds)}: they begin one after another.");
        if (move.Thresholds.Length > begun && move.Phase != Running) throw new SimulationFailure($"I30: {move.By} begins a stage of the rollout of release {move.Release} and makes it {move.Phase}.");
        if (move.Phase == Done && begun != was.Strategy.Stages.Length) throw new SimulationFailure($"I30: {move.By} ends the rollout of release {move.Release} in stage {begun} of {was.Strategy.Stages.Length}.");
        return move.Phase is Running or Paused ? was with { Phase = move.Phase, Thresholds = move.Thresholds } : null;
    }

    private long PositionOf(string node) =>
        (long)(BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"{Release}\0\0{node}"))) >> 1);
}
