namespace Conclave.Exhaustive;

/// <summary>The states of one depth, packed: per state its number in the order of discovery, then its parts.</summary>
internal sealed class StateQueue(int nodes, int messagesMax)
{
    private const int ChunkStates = 1 << 16;
    private readonly int _width = 1 + nodes + 1 + 2 + 1 + messagesMax;
    private readonly List<int[]> _chunks = [];

    public int Count { get; private set; }

    public void Clear()
    {
        _chunks.Clear();
        Count = 0;
    }

    public void Add(int number, ClusterState state)
    {
        if (Count % ChunkStates == 0) _chunks.Add(new int[ChunkStates * _width]);
        Span<int> place = Place(Count++);
        int at = 0;
        place[at++] = number;
        foreach (NodeState node in state.Nodes) place[at++] = node.Id;
        place[at++] = state.History.Id;
        place[at++] = unchecked((int)state.Spent);
        place[at++] = (int)(state.Spent >> 32);
        place[at++] = state.Messages.Count;
        foreach (KnownMessage message in state.Messages) place[at++] = message.Id;
    }

    /// <returns>The number of the state.</returns>
    public int Read(int position, ClusterState into, NodeTable table, MessageTable messages, HistoryTable histories)
    {
        ReadOnlySpan<int> place = Place(position);
        int at = 0, number = place[at++];
        for (int slot = 0; slot < nodes; slot++) into.Nodes[slot] = table[place[at++]];
        into.History = histories[place[at++]];
        into.Spent = (uint)place[at++] | (ulong)(uint)place[at++] << 32;
        into.Messages.Clear();
        for (int left = place[at++]; left > 0; left--) into.Messages.Add(messages[place[at++]]);
        return number;
    }

    private Span<int> Place(int position) => _chunks[position / ChunkStates].AsSpan(position % ChunkStates * _width, _width);
}
