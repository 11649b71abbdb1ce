namespace Conclave.Store.Tree;

/// <summary>How a tree looks at its items. Static, so that the compiler makes one tree per kind without indirect calls.</summary>
internal interface ITreeItem
{
    static abstract ReadOnlySpan<byte> KeyOf(object item);

    /// <summary>Whether an item counts in <see cref="TreeReader{TItem}.Count"/> at a revision.</summary>
    static abstract bool CountsAt(object item, long revision);
}
