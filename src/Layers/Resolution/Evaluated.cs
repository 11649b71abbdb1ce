namespace Conclave.Layers;

/// <summary>A key of a document with its references followed.</summary>
/// <param name="Value">The value; null when the key is absent or <paramref name="Problem"/> says why there is none.</param>
/// <param name="IsPending">
/// True when secrets (or live members) are still to be filled in: then every string in the value is a template, and
/// <see cref="PendingValue.Fill"/> makes the value of it. False: the strings are what they are.
/// </param>
/// <param name="Problem">Why the value could not be made, or null.</param>
public sealed record Evaluated(Value? Value, bool IsPending = false, ConfigProblem? Problem = null)
{
    internal static readonly Evaluated Absent = new(Value: null);

    internal Value AsTemplate => IsPending ? Value! : Template.Escape(Value!);   // called only where there is a value
}

/// <summary>The last step: secrets and live members put into a value, on the way to a node that may see them.</summary>
public static class PendingValue
{
    /// <param name="template">The value of an <see cref="Evaluated"/> that is pending.</param>
    /// <param name="fill">Gives a value for a reference, or null when it cannot.</param>
    /// <param name="missing">The first reference that was not filled, or null.</param>
    public static Value Fill(Value template, Func<Reference, Value?> fill, out Reference? missing)
    {
        Reference? notFilled = null;
        Value filled = Fill(template);
        missing = notFilled;
        return filled;

        Value Fill(Value value)
        {
            if (!value.HasTemplate)
                return value;
            switch (value.Kind)
            {
                case ValueKind.List:
                    return Value.List([.. value.Elements.Select(Fill)]);
                case ValueKind.Map:
                    return Value.Map(value.Members.Select(m => KeyValuePair.Create(Evaluator.TextOf(Fill(Value.Of(m.Key))) ?? m.Key, Fill(m.Value))));
                default:
                    var text = new System.Text.StringBuilder();
                    foreach (TemplatePart part in value.Template.Parts)
                    {
                        if (part.Reference is not { } reference)
                        {
                            text.Append(part.Literal);
                            continue;
                        }
                        Value? found = fill(reference);
                        if (found is null || Evaluator.TextOf(found) is not { } foundText)
                            notFilled ??= reference;
                        else if (value.Template.Parts.Length == 1 && !reference.AsText)
                            return found;
                        else
                            text.Append(foundText);
                    }
                    return Value.Of(text.ToString());
            }
        }
    }
}
