namespace Conclave.Layers;

/// <summary>The bound of everything that somebody else can make large. Beyond one, a change is refused with <c>E_LIMIT</c>.</summary>
public static class Limits
{
    /// <summary>Dimensions of one space.</summary>
    public const int DimensionsMax = 16;

    /// <summary>Values that one node may have in one multi-valued dimension.</summary>
    public const int ValuesPerDimensionMax = 32;

    /// <summary>UTF-8 bytes of the name of a dimension, a dimension's value, a node or a document.</summary>
    public const int NameBytesMax = 253;

    /// <summary>UTF-8 bytes of a key, section included.</summary>
    public const int KeyBytesMax = 512;

    /// <summary>UTF-8 bytes of a comment, a reason, an author or a ticket.</summary>
    public const int CommentBytesMax = 4096;

    /// <summary>Canonical bytes of one value.</summary>
    public const int ValueBytesMax = 1 << 20;

    /// <summary>Lists and maps inside each other.</summary>
    public const int ValueDepthMax = 32;

    public const int DocumentsMax = 1024;

    public const int NodesMax = 100_000;

    /// <summary>Entries of all documents together.</summary>
    public const int EntriesMax = 2_000_000;

    /// <summary>Choices of one schema.</summary>
    public const int ChoicesMax = 256;

    /// <summary>UTF-8 bytes of a schema's pattern.</summary>
    public const int PatternBytesMax = 1024;

    /// <summary>Canonical bytes of one change.</summary>
    public const int ChangeBytesMax = 4 << 20;

    /// <summary>References followed from one value before it is refused.</summary>
    public const int ReferenceDepthMax = 16;

    /// <summary>References in one string.</summary>
    public const int ReferencesPerStringMax = 256;

    /// <summary>Canonical bytes of all changes and their inverses that are kept for diffs and rollbacks; the oldest go first.</summary>
    public const long HistoryBytesMax = 64L << 20;

    /// <summary>Releases whose author, time and reason are kept; the oldest go first.</summary>
    public const int NotesMax = 65_536;

    /// <summary>Problems that one answer lists; how many more there are is said.</summary>
    public const int ProblemsMax = 100;

    /// <summary>Node names that one message lists.</summary>
    public const int NodesNamedMax = 5;

    /// <summary>Results of one search.</summary>
    public const int SearchResultsMax = 1000;
}
