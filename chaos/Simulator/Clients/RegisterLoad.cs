using Conclave.Linearizability;

namespace Conclave.Simulator;

/// <summary>Clients of a few registers whose whole history is kept and searched for an order (I14), by a checker that knows nothing of logs, indexes and revisions.</summary>
internal sealed class RegisterLoad(SimWorld world)
{
    private const int Registers = 3, OperationsMax = 400, FirstStream = 3_000;
    private const long StatesMax = 200_000;

    private readonly List<Operation> _history = [];
    private int _lastValue;

    public void Start()
    {
        if (!world.Plan.RealStore) return;
        for (int i = 0; i < world.Plan.RegisterClients; i++)
        {
            int client = FirstStream + i;
            world.Call(world.Streams.Client(client).Between(0, world.Plan.ThinkMaxUs), () => Turn(client, expected: null));
        }
    }

    /// <summary>At the end of a run.</summary>
    public void Check()
    {
        Linearizability.Verdict verdict = RegisterChecker.Check(_history, StatesMax);
        if (verdict.Kind == VerdictKind.NotLinearizable) throw new SimulationFailure($"I14: {verdict.Key} is not linearizable. {verdict.Explanation}");
        if (verdict.Kind == VerdictKind.Linearizable) world.Statistics.OperationsOrdered += _history.Count;
    }

    private void Turn(int client, string? expected)
    {
        RandomStream random = world.Streams.Client(client);
        SimNode node = world.Clients.AnyNode(random);
        if (!world.Clients.Active || _history.Count >= OperationsMax) return;
        if (!node.IsUp)
        {
            Next(client, expected);
            return;
        }
        string key = $"r{random.Below(Registers)}", value = $"{++_lastValue}";
        // Time is the number of the event: several things may happen in one microsecond, and their order counts.
        var call = new Operation { Client = client, Key = key, Called = world.Events, Kind = OperationKind.Get };
        switch (random.Below(8))
        {
            case < 4:
                world.Clients.Requests.SendRead(node, served =>
                {
                    string? observed = served is null ? null : Read(served, key);
                    if (served is not null) _history.Add(call with { Returned = world.Events, Observed = observed });
                    Next(client, observed);
                });
                break;
            case 4:
                Write(node, new DeleteRequest(key), call with { Kind = OperationKind.Delete }, body => new ProtoFields(body).Number(2) == 1);
                break;
            case 5 when expected is not null:
                var txn = new TxnRequest([new CompareRequest(key, CompareTarget.Value, CompareResult.Equal, Value: expected)], [new PutRequest(key, value)], []);
                Write(node, txn, call with { Kind = OperationKind.CompareAndSwap, Expected = expected, Value = value }, body => StoreAnswer.Succeeded(body));
                break;
            default:
                Write(node, new PutRequest(key, value), call with { Kind = OperationKind.Put, Value = value }, _ => true);
                break;
        }
    }

    private void Write(SimNode node, StoreRequest request, Operation call, Func<byte[], bool> succeeded) => world.Clients.Requests.Send(node, [world.Clients.Requests.Create(world.Streams.Client(call.Client), _ => request)], result =>
    {
        if (result.End == WriteEnd.Acknowledged) _history.Add(call with { Returned = world.Events, Succeeded = succeeded(result.Outcome.Body.ToArray()) });
        else if (result.End == WriteEnd.Unknown) _history.Add(call with { Outcome = OperationOutcome.Unknown });
        Next(call.Client, call.Value);
    });

    private static string? Read(SimNode node, string key)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        ((StoreMachine)node.Machine).View.Range(new RangeRequest(key).Body(), buffer);
        var answer = new ProtoFields(buffer.WrittenSpan);
        return answer.Number(4) == 0 ? null : StoreAnswer.Key(answer.Message(2)).Value;
    }

    private void Next(int client, string? expected) => world.Call(world.Streams.Client(client).Between(1, world.Plan.ThinkMaxUs), () => Turn(client, expected));
}
