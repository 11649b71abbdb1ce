namespace Conclave.Exhaustive;

/// <summary>Of every state that was found: from which one, and by what. 8 bytes each.</summary>
internal sealed class Ancestry
{
    private const int ChunkStates = 1 << 20;
    private readonly List<(int Parent, uint Action)[]> _chunks = [];
    private int _count;

    /// <param name="parent">-1 for the first state.</param>
    /// <param name="action">What led from there to the new one.</param>
    /// <returns>The number of the new state.</returns>
    public int Add(int parent, ClusterAction action)
    {
        if (_count % ChunkStates == 0) _chunks.Add(new (int, uint)[ChunkStates]);
        _chunks[^1][_count % ChunkStates] = (parent, action.Packed);
        return _count++;
    }

    public IEnumerable<ClusterAction> PathTo(int number)
    {
        var path = new Stack<ClusterAction>();
        while (true)
        {
            (int parent, uint action) = _chunks[number / ChunkStates][number % ChunkStates];
            if (parent < 0) return path;
            path.Push(ClusterAction.FromPacked(action));
            number = parent;
        }
    }
}
