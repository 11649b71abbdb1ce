using System.Runtime.InteropServices;
using Conclave.Raft;

namespace Conclave.Recording;

/// <summary>Inputs as bytes: a kind each, then what belongs to it. Ticks in a row are one number.</summary>
internal static class InputCodec
{
    /// <summary>Ticks are the one input that takes no room of its own. A batch has a few more of them than an election timeout.</summary>
    private const int TicksMax = 1 << 14;

    public static void Write(BodyWriter body, List<RaftInput> inputs)
    {
        ReadOnlySpan<RaftInput> rest = CollectionsMarshal.AsSpan(inputs);
        while (!rest.IsEmpty)
        {
            ref readonly RaftInput input = ref rest[0];
            body.Byte((byte)input.Kind);
            int taken = 1;
            if (input.Kind == RaftInputKind.Tick)
            {
                while (taken < rest.Length && rest[taken].Kind == RaftInputKind.Tick) taken++;
                body.Number((ulong)taken);
            }
            else Write(body, input);

            rest = rest[taken..];
        }
    }

    public static void ReadAll(BodyReader body, List<RaftInput> into)
    {
        while (!body.AtEnd)
        {
            var kind = (RaftInputKind)body.Byte();
            if (kind != RaftInputKind.Tick) into.Add(Read(body, kind));
            else
            {
                ulong ticks = body.Number();
                if (ticks > (ulong)Math.Max(TicksMax - into.Count, 0)) throw body.Misfit();   // a few bytes must not claim all memory
                for (; ticks > 0; ticks--) into.Add(RaftInput.Tick());
            }
        }
    }

    private static void Write(BodyWriter body, in RaftInput input)
    {
        switch (input.Kind)
        {
            case RaftInputKind.Received:
                body.Message(input.Message!);   // the factories take no null, here and below
                break;
            case RaftInputKind.Propose:
                body.Number((ulong)input.Proposals.Length);
                foreach (ref readonly Proposal proposal in input.Proposals.Span)
                {
                    body.Number(proposal.Id);
                    body.Bytes(proposal.Payload.Span);
                }

                break;
            case RaftInputKind.Read or RaftInputKind.Persisted or RaftInputKind.Applied:
                body.Number(input.Number);
                break;
            case RaftInputKind.SnapshotTaken or RaftInputKind.SnapshotInstalled:
                body.Snapshot(input.Snapshot!);
                break;
            case RaftInputKind.SnapshotReceived:
                body.Number(input.Node.Value);
                body.Number(input.Term.Value);
                body.Snapshot(input.Snapshot!);
                break;
            case RaftInputKind.SnapshotSendFinished:
                body.Number(input.Node.Value);
                body.Byte(input.Succeeded ? (byte)1 : (byte)0);
                break;
            case RaftInputKind.LinkUp or RaftInputKind.LinkDown or RaftInputKind.Transfer:
                body.Number(input.Node.Value);
                break;
            case RaftInputKind.ChangeMembership:
                body.Number(input.Number);
                body.Byte((byte)input.Change!.Kind);
                body.Number(input.Change.Node.Value);
                body.Number((ulong)input.Change.Infos.Length);
                foreach (MemberInfo info in input.Change.Infos)
                {
                    body.Number(info.Node.Value);
                    body.Bytes(info.Bytes.Span);
                }

                break;
            default:
                throw new NotSupportedException($"The input {input.Kind} has no form in a recording.");
        }
    }

    private static RaftInput Read(BodyReader body, RaftInputKind kind) => kind switch
    {
        RaftInputKind.Received => RaftInput.Received(body.Message()),
        RaftInputKind.Propose => RaftInput.Propose(ReadProposals(body)),
        RaftInputKind.Read => RaftInput.Read(body.Number()),
        RaftInputKind.Persisted => RaftInput.Persisted(new IoTicket(body.Number())),
        RaftInputKind.Applied => RaftInput.Applied(new LogIndex(body.Number())),
        RaftInputKind.SnapshotTaken => RaftInput.SnapshotTaken(body.Snapshot()),
        RaftInputKind.SnapshotInstalled => RaftInput.SnapshotInstalled(body.Snapshot()),
        RaftInputKind.SnapshotReceived => RaftInput.SnapshotReceived(body.Node(), new Term(body.Number()), body.Snapshot()),
        RaftInputKind.SnapshotSendFinished => RaftInput.SnapshotSendFinished(body.Node(), body.Byte() == 1),
        RaftInputKind.LinkUp => RaftInput.LinkUp(body.Node()),
        RaftInputKind.LinkDown => RaftInput.LinkDown(body.Node()),
        RaftInputKind.Transfer => RaftInput.Transfer(body.Node()),
        RaftInputKind.ChangeMembership => RaftInput.ChangeMembership(body.Number(), new MembershipChange((MembershipChangeKind)body.Byte(), body.Node(), [.. ReadInfos(body)])),
        _ => throw body.Misfit(),
    };

    private static Proposal[] ReadProposals(BodyReader body)
    {
        var proposals = new Proposal[body.Count()];
        for (int i = 0; i < proposals.Length; i++) proposals[i] = new Proposal(body.Number(), body.Bytes());
        return proposals;
    }

    private static MemberInfo[] ReadInfos(BodyReader body)
    {
        var infos = new MemberInfo[body.Count()];
        for (int i = 0; i < infos.Length; i++) infos[i] = new MemberInfo(body.Node(), body.Bytes());
        return infos;
    }
}
