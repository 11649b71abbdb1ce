using System.Collections;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.CompilerServices;
using Conclave.Raft;

namespace Conclave.Exhaustive;

/// <summary>Writes down everything in a node that decides what it will do.</summary>
/// <remarks>
/// The core is read by reflection, all fields of it, so that a field that is added there is part of the state from that moment: two states that
/// differ in it count as two, and nothing is merged by mistake. What is left out is listed here with its reason. A kind of collection that
/// is not known here is an error and not ignored.
/// </remarks>
internal sealed class CoreTokens(TokenList tokens)
{
    private const BindingFlags AllFields = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
    private static readonly ConcurrentDictionary<Type, FieldInfo[]> Fields = new();

    /// <summary>Constant in a run, or set and used within one input, or chance and time, which <see cref="CoreTime"/> overwrites, or room that is only kept.</summary>
    private static readonly HashSet<string> Ignored =
        ["_options", "_faults", "_random", "_output", "_now", "_campaignIsTransfer", "SinceTick", "SentTick", "_expiredReads", "_spare"];

    /// <summary>Set anew whenever a node starts to lead, and looked at by a leader only.</summary>
    private static readonly HashSet<string> OfLeader = ["_termStart", "_uncommittedBytes", "_heartbeatDue"];

    /// <summary>Set anew with every campaign, and looked at only while it lasts.</summary>
    private static readonly HashSet<string> OfCandidate = ["_tally", "_ownVoteTicket"];

    /// <summary>Set anew with every transfer.</summary>
    private static readonly HashSet<string> OfTransfer = ["_timeoutNowDue"];

    private RaftRole _role;
    private IoTicket _durableTicket;

    public void Write(Replica replica)
    {
        RaftCore core = replica.Core;
        (_role, _durableTicket) = (core.Role, DurableTicket(core));
        tokens.Node(core.Self);
        tokens.Set(replica.Bootstrap.Voters);
        foreach (FieldInfo field in FieldsOf(typeof(RaftCore)))
        {
            bool matters = !(OfLeader.Contains(field.Name) && _role != RaftRole.Leader)
                && !(OfCandidate.Contains(field.Name) && _role is not (RaftRole.Candidate or RaftRole.PreCandidate))
                && !(OfTransfer.Contains(field.Name) && TransferTarget(core) == NodeId.None);
            if (!matters) continue;
            if (field.Name == "_tally") WriteTally(core);
            else if (field.Name == "_roster") WritePeers(Roster(core));
            else Write(field.GetValue(core));
        }
        WriteDisk(replica.Disk);
    }

    public void Write(Message message)
    {
        foreach (char letter in message.GetType().Name) tokens.Number(letter);
        WriteFields(message);
    }

    public void Write(in Entry entry)
    {
        tokens.Number(entry.Index.Value);
        tokens.Number(entry.Term.Value);
        tokens.Number((ulong)entry.Kind);
        if (entry.Kind == EntryKind.Membership && Membership.TryDecode(entry.Payload.Span, out Membership? membership)) Write(membership);
        else tokens.Bytes(entry.Payload.Span);
    }

    private void Write(object? value)
    {
        switch (value)
        {
            case null: tokens.Number(ulong.MaxValue); break;
            case bool flag: tokens.Number(flag ? 1UL : 0); break;
            case Enum or byte or int or long or ulong: tokens.Number(unchecked((ulong)Convert.ToInt64(Unsigned(value)))); break;
            case NodeId node: tokens.Node(node); break;
            // Tickets matter relative to what is durable; of those that are, none is looked at any more.
            case IoTicket ticket: tokens.Number(ticket <= _durableTicket ? 0 : ticket.Sequence - _durableTicket.Sequence); break;
            case Membership membership: WriteMembership(membership); break;
            case Entry entry: Write(in entry); break;
            case ReadOnlyMemory<byte> bytes: tokens.Bytes(bytes.Span); break;
            case ReadOnlyMemory<Entry> entries: WriteEntries(entries.Span); break;
            case LogTail log: WriteLog(log); break;
            case InflightWindow window: WriteWindow(window); break;
            case Message message: Write(message); break;
            case ImmutableArray<NodeId> nodes: tokens.Set(nodes); break;
            case IList list when value.GetType() is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(List<>): WriteInOrder(list); break;
            case ICollection queue when value.GetType() is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(Queue<>): WriteInOrder(queue); break;
            case IEnumerable: throw new NotSupportedException($"The core holds a {value.GetType()}. Say in {nameof(CoreTokens)} how it is part of a state.");
            default: WriteFields(value); break;
        }
    }

    private static object Unsigned(object value) => value is ulong number ? unchecked((long)number) : value;

    private void WriteFields(object value)
    {
        foreach (FieldInfo field in FieldsOf(value.GetType()))
        {
            if (PlainName(field) == nameof(Progress.HeardTick)) Write(field.GetValue(value) is not null); // when, is time
            else Write(field.GetValue(value));
        }
    }

    private void WriteInOrder(ICollection items)
    {
        tokens.Number((ulong)items.Count);
        foreach (object? item in items) Write(item);
    }

    private void WriteMembership(Membership membership)
    {
        tokens.Set(membership.Voters);
        tokens.Set(membership.VotersOutgoing);
        tokens.Set(membership.Learners);
        tokens.Set(membership.Joining);
    }

    private void WriteTally(RaftCore core)
    {
        VoteTally tally = Tally(core);
        tokens.Set(Members(tally.Granted));
        tokens.Set(Members(tally.Refused));

        IEnumerable<NodeId> Members(ulong slots)
        {
            for (int slot = 0; slot < Roster(core).Slots; slot++)
                if ((slots >> slot & 1) != 0) yield return Roster(core).At(slot);
        }
    }

    /// <summary>What is believed of the others. A leader begins anew with it, so on other roles only the links count.</summary>
    private void WritePeers(Roster roster)
    {
        tokens.Bag();
        foreach (Progress peer in roster.Peers)
        {
            tokens.Item();
            tokens.Node(peer.Node);
            tokens.Number((peer.LinkUp ? 1UL : 0) | (peer.LinkDown ? 2UL : 0));
            if (_role == RaftRole.Leader) WriteFields(peer);
        }
        tokens.EndOfBag();
    }

    private void WriteLog(LogTail log)
    {
        Write(log.Base);
        tokens.Number((ulong)log.Count);
        for (LogIndex i = log.Base.Index.Next; i <= log.Last.Index; i = i.Next) Write(in log[i]);
    }

    private void WriteWindow(InflightWindow window)
    {
        tokens.Number((ulong)window.Count);
        (LogIndex Last, ulong Sequence, long Bytes)[] ring = Ring(window);
        for (int i = 0; i < window.Count; i++)
        {
            (LogIndex last, ulong sequence, long bytes) = ring[(Head(window) + i) % ring.Length];
            tokens.Number(last.Value);
            tokens.Number(sequence);
            tokens.Number((ulong)bytes);
        }
    }

    private void WriteDisk(Disk disk)
    {
        Write(disk.HardState);
        tokens.Number((ulong)disk.Log.Count);
        foreach (Entry entry in disk.Log) Write(in entry);
        tokens.Number((ulong)disk.Pending.Count);
        foreach (PendingWrite write in disk.Pending)
        {
            Write(write.HardState);
            Write(write.TruncateFrom);
            WriteEntries(write.Entries);
            tokens.Bag();
            foreach (OutboundMessage message in write.DependentMessages)
            {
                tokens.Item();
                Write(message.Message);
            }
            tokens.EndOfBag();
        }
    }

    private void WriteEntries(ReadOnlySpan<Entry> entries)
    {
        tokens.Number((ulong)entries.Length);
        foreach (ref readonly Entry entry in entries) Write(in entry);
    }

    /// <summary>With those of the base classes, in the order of their names.</summary>
    private static FieldInfo[] FieldsOf(Type type)
    {
        if (Fields.TryGetValue(type, out FieldInfo[]? known)) return known;
        var all = new List<FieldInfo>();
        for (Type? at = type; at is not null && at != typeof(object); at = at.BaseType)
            all.AddRange(at.GetFields(AllFields | BindingFlags.DeclaredOnly).Where(field => !Ignored.Contains(PlainName(field))));
        FieldInfo[] fields = [.. all.OrderBy(field => field.Name, StringComparer.Ordinal)];
        return Fields[type] = fields;
    }

    private static string PlainName(FieldInfo field) =>
        field.Name.StartsWith('<') ? field.Name[1..field.Name.IndexOf('>', StringComparison.Ordinal)] : field.Name;

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_durableTicket")]
    private static extern ref IoTicket DurableTicket(RaftCore core);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_roster")]
    private static extern ref Roster Roster(RaftCore core);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_transferTarget")]
    private static extern ref NodeId TransferTarget(RaftCore core);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_tally")]
    private static extern ref VoteTally Tally(RaftCore core);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_ring")]
    private static extern ref (LogIndex Last, ulong Sequence, long Bytes)[] Ring(InflightWindow window);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_head")]
    private static extern ref int Head(InflightWindow window);
}
