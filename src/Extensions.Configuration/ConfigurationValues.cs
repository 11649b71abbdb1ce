using System.Collections.Frozen;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using V1 = Conclave.Wire.V1;

namespace Conclave.Extensions.Configuration;

/// <summary>Documents in the form that Microsoft.Extensions.Configuration knows: one flat set of texts, whose names ignore case.</summary>
/// <remarks>
/// <code>
/// nova   DEFAULT/rabbit_host  "mq"            nova:DEFAULT:rabbit_host = mq
/// nova   pci/device_spec      ["a",{"b":1}]   nova:pci:device_spec:0 = a, nova:pci:device_spec:1:b = 1
/// nova   DEFAULT/none         null            nova:DEFAULT:none = (null)
/// nova   DEFAULT/empty        []              nova:DEFAULT:empty = ""       an empty list, as the binder of .NET 10 reads it
/// </code>
/// </remarks>
internal sealed class ConfigurationValues
{
    private readonly FrozenDictionary<string, string?> _values;
    private readonly FrozenDictionary<string, string[]> _children;
    private readonly FrozenSet<string> _lists;

    private ConfigurationValues(Dictionary<string, string?> values, HashSet<string> lists, IReadOnlyList<string> problems)
    {
        _values = values.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
        _lists = lists.ToFrozenSet(StringComparer.OrdinalIgnoreCase);
        _children = ChildrenOf(values.Keys);
        Problems = problems;
    }

    public static ConfigurationValues None { get; } = new([], [], []);

    /// <summary>What of the documents could not be shown as it is.</summary>
    public IReadOnlyList<string> Problems { get; }

    public static ConfigurationValues Of(NodeDocuments documents)
    {
        var values = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        var lists = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var problems = new List<string>();
        var taken = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach ((string document, NodeDocument content) in documents.ByName)
        {
            foreach (V1.Item item in content.Items.Values)
            {
                string path = $"{document}:{item.Key.Replace('/', ':')}", name = $"{document} {item.Key}";
                if (!taken.TryAdd(path, name))
                {
                    problems.Add($"{name} and {taken[path]} are the same name for .NET, which ignores case and has one separator. {taken[path]} is taken. Rename one.");
                    continue;
                }

                if (item.Pending) problems.Add($"{name} still has references in it that only an oslo program resolves; they are left as they stand.");
                using JsonDocument value = JsonDocument.Parse(item.Value);
                Add(path, value.RootElement);
            }
        }

        return new ConfigurationValues(values, lists, problems);

        void Add(string path, JsonElement value)
        {
            switch (value.ValueKind)
            {
                case JsonValueKind.Object when value.EnumerateObject().Any():
                    foreach (JsonProperty member in value.EnumerateObject())
                    {
                        string below = $"{path}:{member.Name}";
                        if (values.ContainsKey(below)) problems.Add($"{below} is there twice, in names that differ by case only. The first is taken. Rename one.");
                        else Add(below, member.Value);
                    }

                    break;
                case JsonValueKind.Array:
                    lists.Add(path);
                    int index = 0;
                    foreach (JsonElement element in value.EnumerateArray()) Add($"{path}:{index++}", element);
                    if (index == 0) values[path] = "";
                    break;
                default:
                    values[path] = value.ValueKind switch
                    {
                        JsonValueKind.String => value.GetString(),
                        JsonValueKind.Null or JsonValueKind.Object => null,
                        _ => value.GetRawText(),
                    };
                    break;
            }
        }
    }

    /// <summary>The same, with one value of this process's own.</summary>
    public ConfigurationValues With(string key, string? value) =>
        new(new Dictionary<string, string?>(_values, StringComparer.OrdinalIgnoreCase) { [key] = value }, [.. _lists], Problems);

    /// <summary>True also for what is not there but below a list that is: lists are whole, and elements of another source behind their end would be read as theirs.</summary>
    public bool TryGet(string key, out string? value) => _values.TryGetValue(key, out value) || IsInList(key, orIsList: false);

    /// <summary>The names below a path: of other sources, unless it is a list or in one, and of this one.</summary>
    public IEnumerable<string> ChildrenOf(string? path, IEnumerable<string> earlier)
    {
        string[] own = _children.TryGetValue(path ?? "", out string[]? names) ? names : [];
        string[] all = path is not null && IsInList(path, orIsList: true) ? own : [.. own, .. earlier];
        Array.Sort(all, ConfigurationKeyComparer.Instance.Compare);
        return all;
    }

    private bool IsInList(string key, bool orIsList)
    {
        if (_lists.Count == 0) return false;
        FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> lists = _lists.GetAlternateLookup<ReadOnlySpan<char>>();
        if (orIsList && lists.Contains(key)) return true;
        for (int end = key.LastIndexOf(':'); end > 0; end = key.LastIndexOf(':', end - 1))
        {
            if (lists.Contains(key.AsSpan(0, end))) return true;
        }

        return false;
    }

    private static FrozenDictionary<string, string[]> ChildrenOf(IEnumerable<string> keys)
    {
        var children = new Dictionary<string, SortedSet<string>>(StringComparer.OrdinalIgnoreCase);
        foreach (string key in keys)
        {
            int start = 0;
            while (start <= key.Length)
            {
                int end = key.IndexOf(':', start) is >= 0 and int colon ? colon : key.Length;
                string path = start == 0 ? "" : key[..(start - 1)];
                if (!children.TryGetValue(path, out SortedSet<string>? names)) children[path] = names = new SortedSet<string>(StringComparer.OrdinalIgnoreCase);
                names.Add(key[start..end]);
                start = end + 1;
            }
        }

        return children.ToFrozenDictionary(c => c.Key, c => c.Value.ToArray(), StringComparer.OrdinalIgnoreCase);
    }
}
