using System.Buffers;
using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>Carries messages, badly: late, twice, out of order, or not at all.</summary>
internal sealed class SimNetwork(SimWorld world)
{
    private readonly int[,] _blocked = new int[16, 16]; // number of faults that block the direction
    private readonly long[,] _lastArrival = new long[16, 16];
    private readonly ArrayBufferWriter<byte> _buffer = new();

    /// <summary>Added to the plan's probability of loss while a fault lasts.</summary>
    public double ExtraLoss { get; set; }

    /// <summary>Multiplies delays while a fault lasts.</summary>
    public int DelayFactor { get; set; } = 1;

    public bool Healing { get; private set; }

    public void Block(int from, int to) => _blocked[from, to]++;

    public void Unblock(int from, int to)
    {
        if (_blocked[from, to] > 0) _blocked[from, to]--;
    }

    public bool IsBlocked(int from, int to) => _blocked[from, to] > 0;

    public void HealAll()
    {
        Array.Clear(_blocked);
        (ExtraLoss, DelayFactor, Healing) = (0, 1, true);
    }

    public void Send(Message message)
    {
        world.Statistics.MessagesSent++;
        int from = (int)message.From.Value - 1, to = (int)message.To.Value - 1;
        world.Hash((long)message.Term.Value << 8 ^ (from << 4) ^ to);
        if (IsBlocked(from, to) || (!Healing && world.Chance(world.Plan.Loss + ExtraLoss)))
        {
            world.Statistics.MessagesLost++;
            return;
        }
        object carried = world.Plan.EncodeMessages ? Encode(message) : message;
        Schedule(from, to, carried);
        if (!Healing && world.Chance(world.Plan.Duplicate)) Schedule(from, to, carried);
    }

    /// <summary>The message as it arrives.</summary>
    public static Message Open(object carried)
    {
        if (carried is Message message) return message;
        if (!MessageCodec.TryRead((byte[])carried, out Message? read)) throw new SimulationFailure("A message cannot be read back.");
        return read;
    }

    private void Schedule(int from, int to, object carried)
    {
        long delay = world.Between(world.Plan.DelayMinUs, world.Plan.DelayMaxUs) * DelayFactor;
        // Now and then one from long ago: an earlier term, an earlier life of the sender.
        if (!Healing && world.Chance(world.Plan.Spike)) delay += world.Between(10_000, 5_000_000);
        long arrival = world.Now + delay;
        if (world.Plan.OrderedLinks) arrival = _lastArrival[from, to] = Math.Max(arrival, _lastArrival[from, to] + 1);
        world.At(arrival, new SimEvent(SimEventKind.Deliver, to, -1, from, carried));
    }

    private byte[] Encode(Message message)
    {
        _buffer.ResetWrittenCount();
        MessageCodec.Write(_buffer, message);
        return _buffer.WrittenSpan.ToArray();
    }
}
