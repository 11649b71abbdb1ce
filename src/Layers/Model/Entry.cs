namespace Conclave.Layers;

/// <summary>What an entry does to what less specific scopes gave. The numbers are written to records and never change.</summary>
public enum EntryOp
{
    /// <summary>This value; whatever is less specific is hidden.</summary>
    Set = 0,

    /// <summary>No value: the key is left out, so the program's own default applies. Not the same as an empty string or null.</summary>
    Unset = 1,

    /// <summary>Adds to what is less specific, in the way that the schema's <see cref="MergeKind"/> says.</summary>
    Append = 2,

    /// <summary>Takes exactly these elements (of a list) or members of these names (of a map) away again.</summary>
    Remove = 3,

    /// <summary>This value, and no more specific scope may say otherwise.</summary>
    Final = 4,
}

/// <summary>What one scope says about one key.</summary>
/// <param name="Op">What it does.</param>
/// <param name="Value">The value; <see cref="Layers.Value.Null"/> for <see cref="EntryOp.Unset"/>.</param>
/// <param name="Comment">For people; "" is none.</param>
/// <param name="Release">The release that wrote it: what explains its author, time and reason. 0 before it is published.</param>
public sealed record Entry(EntryOp Op, Value Value, string Comment = "", long Release = 0)
{
    public static Entry Set(Value value, string comment = "") => new(EntryOp.Set, value, comment);

    public static Entry Final(Value value, string comment = "") => new(EntryOp.Final, value, comment);

    public static Entry Append(Value value, string comment = "") => new(EntryOp.Append, value, comment);

    public static Entry Remove(Value value, string comment = "") => new(EntryOp.Remove, value, comment);

    public static Entry Unset(string comment = "") => new(EntryOp.Unset, Value.Null, comment);
}
