using System.Globalization;
using System.Reflection;

namespace Conclave.Simulator;

/// <summary>The plan as lines of a scenario: the name of the property in lower case with dashes, and its value.</summary>
internal static class PlanText
{
    private static readonly PropertyInfo[] Properties =
        [.. typeof(Plan).GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.SetMethod is not null).OrderBy(p => p.MetadataToken)];

    private static readonly Dictionary<string, PropertyInfo> ByWord = Properties.ToDictionary(p => Words.Dashed(p.Name));

    public static IEnumerable<string> Names => ByWord.Keys;

    public static IEnumerable<PropertyInfo> Fields => Properties;

    public static Plan With(Plan plan, PropertyInfo field, object? value)
    {
        Plan copy = plan with { };
        field.SetValue(copy, value);
        return copy;
    }

    /// <summary>A line for each field that differs from <see cref="Plan.Plain"/>; that of the faults only where they are drawn.</summary>
    public static IEnumerable<string> Print(Plan plan, bool drawsFaults)
    {
        foreach (PropertyInfo field in Properties)
        {
            object? value = field.GetValue(plan);
            bool show = field.PropertyType == typeof(FaultKind[]) || field.Name == nameof(Plan.FaultEveryUs) ? drawsFaults : !Equals(value, field.GetValue(Plan.Plain));
            if (show) yield return $"{Words.Dashed(field.Name)} {Print(value)}";
        }
    }

    /// <returns>Null when there is no such field.</returns>
    /// <exception cref="FormatException">The value is none for it.</exception>
    public static Plan? TryRead(Plan plan, string word, string value) =>
        ByWord.TryGetValue(word, out PropertyInfo? field) ? With(plan, field, Read(field.PropertyType, value)) : null;

    private static string Print(object? value) => value switch
    {
        bool on => on ? "on" : "off",
        FaultKind[] kinds => string.Join(' ', kinds.Select(k => Words.Dashed(k.ToString()))),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => throw new InvalidOperationException($"A field of the plan holds {value}, which has no form in a scenario."),
    };

    private static object Read(Type type, string value)
    {
        if (type == typeof(bool)) return value switch { "on" => true, "off" => false, _ => throw new FormatException($"'{value}' is neither on nor off.") };
        if (type == typeof(int)) return int.Parse(value, CultureInfo.InvariantCulture);
        if (type == typeof(long)) return long.Parse(value, CultureInfo.InvariantCulture);
        return value.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Words.Read<FaultKind>).ToArray();
    }
}
