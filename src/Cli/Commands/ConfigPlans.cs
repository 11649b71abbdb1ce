using System.Collections.Immutable;
using System.CommandLine;
using Conclave.Cli.Output;
using Conclave.Client;
using Conclave.Layers;
using V1 = Conclave.Wire.V1;

namespace Conclave.Cli.Commands;

/// <summary>What a change was made from.</summary>
/// <param name="Release">The release that was looked at: what others published since is not overwritten, but a conflict. 0: nothing was looked at.</param>
/// <param name="Remedy">What to do then.</param>
internal sealed record Look(long Release, string Remedy);

/// <summary>Whether to go on.</summary>
/// <param name="Refusal">How the command ends; null: it goes on.</param>
/// <param name="Look">What was looked at last.</param>
internal sealed record Consent(int? Refusal, Look Look);

/// <summary>Plans of changes, as people read them.</summary>
internal static class ConfigPlans
{
    private const int UncertainMax = 10;

    /// <summary>What edits would do. Too many for one release are looked at in parts, all of them made from the same release.</summary>
    /// <remarks>
    /// Later parts are planned without those before them. So of their errors only those count that no earlier part can mend: that somebody was faster, or that
    /// a rollout is under way. The others are warnings.
    /// </remarks>
    public static async Task<V1.PlanResponse> AskAsync(ConfigOptions options, ConclaveClient client, ParseResult parsed, ImmutableArray<Edit> edits, long basis, CancellationToken cancellationToken)
    {
        V1.PlanResponse? whole = null;
        V1.Change[] parts = ConfigFiles.Parts(edits);
        for (int i = 0; i < parts.Length; i++)
        {
            // Never what was newest for an earlier part, unless nothing was looked at: a change between the two would be written over.
            var request = new V1.PlanRequest { Space = options.Space(parsed), Change = parts[i], Base = basis > 0 ? basis : whole?.Base ?? 0 };
            V1.PlanResponse plan = await client.Configuration.PlanAsync(request, cancellationToken).ConfigureAwait(false);
            if (whole is null)
            {
                whole = plan;
                continue;
            }

            whole.Changes.AddRange(plan.Changes);
            whole.Change.MergeFrom(plan.Change);
            whole.Impact = null;   // of a part, which says little of the whole
            HashSet<(string, string)> known = [.. whole.Problems.Select(p => (p.Code, p.Message))];
            whole.Problems.AddRange(plan.Problems.Where(p => !IsUncertain(p) && known.Add((p.Code, p.Message))));
            V1.Problem[] uncertain = [.. plan.Problems.Where(IsUncertain)];
            whole.Problems.AddRange(uncertain.Take(UncertainMax).Select(p => Uncertain($"{p.Code} {p.Message}")));
            if (uncertain.Length > UncertainMax) whole.Problems.Add(Uncertain($"{uncertain.Length - UncertainMax} more"));

            V1.Problem Uncertain(string what) => new() { Code = "W_PART", Message = $"part {i + 1} of {parts.Length}, unless those before it mend that: {what}" };
        }

        return whole ?? new V1.PlanResponse { Base = basis, Change = new V1.Change() };
    }

    private static bool IsUncertain(V1.Problem problem) => IsError(problem) && problem.Code is not (ProblemCodes.Conflict or ProblemCodes.Rollout);

    /// <summary>Shows what edits would do and asks, where there is a person and no --yes. Nobody is asked for a draft, or for what cannot be published.</summary>
    public static async Task<Consent> ConfirmAsync(ConfigOptions options, ConclaveClient client, ParseResult parsed, ImmutableArray<Edit> edits, Look look, CancellationToken cancellationToken)
    {
        if (edits.IsEmpty || options.IsDraft(parsed) || !options.Asks(parsed)) return new Consent(null, look);
        V1.PlanResponse plan = await AskAsync(options, client, parsed, edits, look.Release, cancellationToken).ConfigureAwait(false);
        look = look with { Release = plan.Base };   // the answer is about this one, and no later one
        Write(options, plan);
        if (Refuse(options, plan, look.Remedy) is { } code) return new Consent(code, look);
        if (CountOf(plan.Change) == 0) return new Consent(null, look);
        return new Consent(await options.AskAsync(cancellationToken).ConfigureAwait(false) ? null : ExitCode.No, look);
    }

    /// <summary>Says why a plan cannot be published.</summary>
    /// <returns>The exit code; null when it can.</returns>
    public static int? Refuse(ConfigOptions options, V1.PlanResponse plan, string? remedyOfConflict)
    {
        if (CodeOf(plan) is not (not ExitCode.Done and var code)) return null;
        options.Terminal.Fail(string.Join('\n', plan.Problems.Where(IsError).Select(p => $"{p.Code} {p.Message}")), code == ExitCode.Conflict ? remedyOfConflict : null);
        return code;
    }

    public static int CodeOf(V1.PlanResponse plan)
    {
        string[] errors = [.. plan.Problems.Where(IsError).Select(p => p.Code)];
        return errors.Length == 0 ? ExitCode.Done : errors.All(c => c == ProblemCodes.Conflict) ? ExitCode.Conflict : ExitCode.Validation;
    }

    public static int CountOf(V1.Change change) => change.Entries.Count + change.Schemas.Count + change.Nodes.Count + change.Weights.Count + (change.Dimensions is null ? 0 : 1);

    public static bool IsError(V1.Problem problem) => problem.Code.StartsWith('E');

    /// <summary>What changes, whom it reaches, and warnings. Errors are for the caller.</summary>
    public static void Write(ConfigOptions options, V1.PlanResponse plan)
    {
        options.WriteChanges(plan.Changes);
        WriteOthers(options, plan.Change);
        options.WriteImpact(plan.Impact);
        foreach (V1.Problem problem in plan.Problems.Where(p => !IsError(p))) options.Terminal.Out.WriteLine($"warning {problem.Code} {problem.Message}");
    }

    /// <summary>Everything of a change but entries.</summary>
    public static void WriteOthers(ConfigOptions options, V1.Change change)
    {
        TextWriter text = options.Terminal.Out;
        if (change.Dimensions is { } dimensions) text.WriteLine($"  dimensions {string.Join(" < ", dimensions.Dimensions.Select(d => d.Name + (d.MultiValued ? "*" : "")))}");
        foreach (V1.WeightEdit weight in change.Weights) text.WriteLine($"  weight {weight.Dimension}={weight.Value}  {weight.Weight}");
        foreach (V1.NodeEdit node in change.Nodes) text.WriteLine($"  node {node.Node}  {(node.Delete ? "removed" : string.Join(' ', node.Assigned.Select(p => $"{p.Dimension}={p.Value}")))}".TrimEnd());
        foreach (V1.SchemaEdit schema in change.Schemas) text.WriteLine($"  schema {schema.Document} {schema.Key}  {(schema.Schema.Length == 0 ? "removed" : schema.Schema)}");
    }
}
