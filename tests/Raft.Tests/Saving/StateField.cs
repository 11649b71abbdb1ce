using System.Collections;
using System.Reflection;

namespace Conclave.Raft.Tests;

/// <summary>A place in a core that can hold a value of its own, found by reflection: a number, a flag, an immutable object.</summary>
/// <param name="Name">Type and field, then the fields within it: <c>RaftCore._writes[].Ticket.Sequence</c>. Equal for all objects of the type.</param>
/// <param name="Change">Puts another value there. Returns what undoes it.</param>
internal sealed record StateField(string Name, Func<Action> Change)
{
    private const int ElementsMax = 64;
    private static readonly Assembly Core = typeof(RaftCore).Assembly;

    /// <summary>Objects that never change after they were made: the reference to one is the state.</summary>
    private static bool IsImmutable(Type type) => type == typeof(Membership) || type == typeof(SnapshotId) || type == typeof(Message) || type == typeof(ReadOnlyMemory<byte>);

    /// <summary>The names of all places that objects of a type can have, itself and whatever it refers to included.</summary>
    public static IEnumerable<string> NamesIn(Type type, Predicate<string> leaveOut)
    {
        HashSet<Type> seen = [];
        Queue<Type> open = new([type]);
        while (open.TryDequeue(out Type? next))
        {
            if (!seen.Add(next)) continue;
            foreach (FieldInfo field in Fields(next))
            {
                if (leaveOut(NameOf(next, field))) yield return NameOf(next, field);
                else foreach (string name in NamesOf(field.FieldType, NameOf(next, field), open)) yield return name;
            }
        }
    }

    /// <summary>All places of one object and what it refers to.</summary>
    public static IEnumerable<StateField> Of(object root, Predicate<string> leaveOut)
    {
        foreach (FieldInfo field in Fields(root.GetType()))
        {
            string name = NameOf(root.GetType(), field);
            if (leaveOut(name)) continue;
            foreach (StateField place in Within(field.FieldType, name, () => field.GetValue(root), value => field.SetValue(root, value), leaveOut)) yield return place;
        }
    }

    private static IEnumerable<string> NamesOf(Type type, string name, Queue<Type> open)
    {
        if (type.IsPrimitive || type.IsEnum || IsImmutable(type)) return [name];
        if (Nullable.GetUnderlyingType(type) is { } inner) return NamesOf(inner, name, open);
        if (ElementOf(type) is { } element) return NamesOf(element, name + "[]", open);
        if (type.IsValueType) return Fields(type).SelectMany(field => NamesOf(field.FieldType, $"{name}.{Plain(field)}", open));
        if (type.Assembly != Core) return [name]; // nobody knows how to change it, so it has to be left out with a reason
        open.Enqueue(type);
        return [];
    }

    private static IEnumerable<StateField> Within(Type type, string name, Func<object?> get, Action<object?> set, Predicate<string> leaveOut)
    {
        if (type.IsPrimitive || type.IsEnum || IsImmutable(type)) return [new StateField(name, () => Replace(get, set, Other(type, get())))];
        if (Nullable.GetUnderlyingType(type) is { } inner)
        {
            if (get() is not null) return Within(inner, name, get, set, leaveOut);
            return NamesOf(inner, name, new Queue<Type>()).Select(each => new StateField(each, () => Replace(get, set, Activator.CreateInstance(inner))));
        }
        if (ElementOf(type) is { } element) return get() is ICollection all ? WithinAll(element, name + "[]", all, leaveOut) : [];
        if (type.IsValueType)
        {
            return Fields(type).SelectMany(field => Within(field.FieldType, $"{name}.{Plain(field)}", () => field.GetValue(get()), value =>
            {
                object copy = get()!; // a value type has no null
                field.SetValue(copy, value);
                set(copy);
            }, leaveOut));
        }
        return get() is { } reference ? Of(reference, leaveOut) : [];
    }

    private static IEnumerable<StateField> WithinAll(Type element, string name, ICollection all, Predicate<string> leaveOut)
    {
        for (int i = 0; i < Math.Min(all.Count, ElementsMax); i++)
        {
            int at = i;
            Func<object?> get = () => all.Cast<object?>().ElementAt(at);
            Action<object?> set = value =>
            {
                if (all is IList list)
                {
                    list[at] = value;
                    return;
                }
                // A queue: everything goes round once.
                object?[] kept = [.. all.Cast<object?>()];
                all.GetType().GetMethod("Clear")!.Invoke(all, null); // a queue has both, here and below
                for (int k = 0; k < kept.Length; k++) all.GetType().GetMethod("Enqueue")!.Invoke(all, [k == at ? value : kept[k]]);
            };
            foreach (StateField place in Within(element, name, get, set, leaveOut)) yield return place;
        }
    }

    private static Action Replace(Func<object?> get, Action<object?> set, object? other)
    {
        object? before = get();
        set(other);
        return () => set(before);
    }

    private static object Other(Type type, object? now) =>
        type == typeof(bool) ? !(bool)now!
        : type.IsEnum ? Enum.ToObject(type, Convert.ToInt32(now, null) == 0 ? 1 : 0)
        : type.IsPrimitive ? Convert.ChangeType(Convert.ToInt64(unchecked(Convert.ToUInt64(now, null) + 1) & long.MaxValue, null), type, null)
        : type == typeof(Membership) ? Membership.Of(new NodeId(77))
        : type == typeof(SnapshotId) ? new SnapshotId(new EntryId(new LogIndex(77), new Term(7)), Membership.Of(new NodeId(77)))
        : type == typeof(Message) ? new TimeoutNow { From = new NodeId(77), To = new NodeId(1), Term = new Term(7), Last = EntryId.Zero }
        : (ReadOnlyMemory<byte>)new byte[] { 77, 77 };

    private static Type? ElementOf(Type type) => type.IsArray ? type.GetElementType()
        : type.IsGenericType && type.GetGenericTypeDefinition() is var kind && (kind == typeof(List<>) || kind == typeof(Queue<>)) ? type.GetGenericArguments()[0]
        : null;

    private static IEnumerable<FieldInfo> Fields(Type type) => type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);

    private static string NameOf(Type type, FieldInfo field) => $"{type.Name}.{Plain(field)}";

    // <Commit>k__BackingField, and <countMax>P for what a constructor's parameter became.
    private static string Plain(FieldInfo field) => field.Name[0] == '<' ? field.Name[1..field.Name.IndexOf('>', StringComparison.Ordinal)] : field.Name;
}
