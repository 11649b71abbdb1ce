using System.Buffers;
using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>Carries messages, badly: late, twice, out of order, or not at all.</summary>
internal sealed class SimNetwork(SimWorld world)
{
    private readonly int[,] _blocked = new int[SimWorld.SlotsMax, SimWorld.SlotsMax]; // number of faults that block the direction
    private readonly long[,] _lastArrival = new long[SimWorld.SlotsMax, SimWorld.SlotsMax];
    private readonly ArrayBufferWriter<byte> _buffer = new();

    /// <summary>Added to the plan's probability of loss while a fault lasts.</summary>
    public int ExtraLossPermille { get; set; }

    /// <summary>Multiplies delays while a fault lasts.</summary>
    public int DelayFactor { get; set; } = 1;

    /// <summary>Nothing is lost, doubled or held up any more.</summary>
    public bool Healing { get; set; }

    public void Block(int from, int to) => _blocked[from, to]++;

    public void Unblock(int from, int to)
    {
        if (_blocked[from, to] > 0) _blocked[from, to]--;
    }

    public bool IsBlocked(int from, int to) => _blocked[from, to] > 0;

    /// <summary>When the last of the messages that were sent arrives.</summary>
    public long HeldUpUntil(int from, int to) => _lastArrival[from, to];

    public void HealAll()
    {
        Array.Clear(_blocked);
        (ExtraLossPermille, DelayFactor, Healing) = (0, 1, true);
    }

    public void Send(Message message)
    {
        world.Statistics.MessagesSent++;
        int from = world[message.From].Slot, to = world[message.To].Slot;
        world.Hash((long)message.Term.Value << 8 ^ (from << 4) ^ to);
        RandomStream random = world.Streams.Link(from, to);
        // Everything is drawn, whether it is used or not: what happens to one message must not decide what happens to the next.
        bool lost = random.Permille(world.Plan.LossPermille + ExtraLossPermille), twice = random.Permille(world.Plan.DuplicatePermille);
        long first = Delay(random), second = Delay(random);
        if (IsBlocked(from, to) || (lost && !Healing))
        {
            world.Statistics.MessagesLost++;
            return;
        }
        object carried = world.Plan.EncodeMessages ? Encode(message) : message;
        Schedule(from, to, first, carried);
        if (twice && !Healing) Schedule(from, to, second, carried);
    }

    /// <summary>The message as it arrives.</summary>
    public static Message Open(object carried)
    {
        if (carried is Message message) return message;
        if (!MessageCodec.TryRead((byte[])carried, out Message? read)) throw new SimulationFailure("A message cannot be read back.");
        return read;
    }

    private long Delay(RandomStream random)
    {
        long delay = random.Between(world.Plan.DelayMinUs, world.Plan.DelayMaxUs) * DelayFactor;
        bool late = random.Permille(world.Plan.SpikePermille);
        long by = late ? random.Between(10_000, 5_000_000) : 0;
        // Now and then one from long ago: an earlier term, an earlier life of the sender.
        return Healing ? delay : delay + by;
    }

    private void Schedule(int from, int to, long delay, object carried)
    {
        long arrival = world.Now + delay;
        if (world.Plan.OrderedLinks) arrival = Math.Max(arrival, _lastArrival[from, to] + 1);
        _lastArrival[from, to] = Math.Max(arrival, _lastArrival[from, to]);
        world.At(arrival, new SimEvent(SimEventKind.Deliver, to, -1, from, carried));
    }

    private byte[] Encode(Message message)
    {
        _buffer.ResetWrittenCount();
        MessageCodec.Write(_buffer, message);
        return _buffer.WrittenSpan.ToArray();
    }
}
