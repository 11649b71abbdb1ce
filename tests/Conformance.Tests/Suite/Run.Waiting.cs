using System.Diagnostics;
using System.Text.Json.Nodes;
using Conclave.Conformance.Tests.Transports;
using Google.Protobuf;

namespace Conclave.Conformance.Tests.Suite;

/// <summary>Calls that go on while others are made, and streams.</summary>
internal sealed partial class Run
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30), MessagePatience = TimeSpan.FromSeconds(20);
    private readonly List<IDisposable> _open = [];

    /// <summary>A call that is not waited for yet.</summary>
    public sealed class Pending(Rpc rpc, Task<Answer> answer, CancellationTokenSource away) : IDisposable
    {
        public Rpc Rpc => rpc;

        public Task<Answer> Answer => answer;

        public bool IsOver => answer.IsCompleted;

        /// <summary>The client goes away without waiting for the answer.</summary>
        public void GoAway() => away.Cancel();

        public void Dispose()
        {
            away.Cancel();
            away.Dispose();
        }
    }

    /// <summary>Calls without waiting.</summary>
    public Pending Start(IMessage request)
    {
        var away = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        Rpc rpc = Rpc.Of(request);
        var pending = new Pending(rpc, Transport.CallAsync(rpc, request, Metadata, away.Token), away);
        _open.Add(pending);
        return pending;
    }

    /// <summary>Waits for the answer and notes it.</summary>
    public async Task<Answer> EndAsync(Pending pending, string? step = null)
    {
        try
        {
            return Noted(step ?? pending.Rpc.Name, pending.Rpc.Response, await pending.Answer.WaitAsync(Patience, Cancellation));
        }
        catch (TimeoutException)
        {
            throw new CaseBrokenException($"{pending.Rpc.Name} did not end.");
        }
    }

    /// <summary>Waits until something is so, or until one of the calls it depends on has ended.</summary>
    public async Task UntilAsync(string what, Func<Task<bool>> isSo, params Pending[] unlessOver)
    {
        long start = Stopwatch.GetTimestamp();
        while (!await isSo())
        {
            if (unlessOver.Any(pending => pending.IsOver))
                return;   // its answer tells
            if (Stopwatch.GetElapsedTime(start) > Patience)
                throw new CaseBrokenException($"Waited in vain: {what}.");
            await Task.Delay(10, Cancellation);
        }
    }

    /// <summary>Opens a stream with its first requests.</summary>
    public Conversation Open(Rpc rpc, params IMessage[] requests)
    {
        var conversation = new Conversation(this, rpc, Transport.Open(rpc, requests, Metadata, Cancellation));
        _open.Add(conversation);
        return conversation;
    }

    /// <summary>Over JSON alone: a stream with any body.</summary>
    public Conversation OpenRaw(Rpc rpc, string path, string body)
    {
        var conversation = new Conversation(this, rpc, Target.Json.OpenRaw(path, body, Metadata, rpc.Response, Cancellation));
        _open.Add(conversation);
        return conversation;
    }

    /// <summary>Ends what the case left open.</summary>
    public void CloseAll()
    {
        foreach (IDisposable each in _open)
            each.Dispose();
    }

    /// <summary>A stream as a case sees it.</summary>
    public sealed class Conversation(Run run, Rpc rpc, MessageStream stream) : IDisposable
    {
        public Task SendAsync(IMessage request) => stream.SendAsync(request);

        public Task EndRequestsAsync() => stream.EndRequestsAsync();

        /// <summary>Takes that many messages and notes them; fewer when the stream ends or nothing more comes.</summary>
        /// <param name="count">How many.</param>
        /// <param name="step">Name of the step.</param>
        /// <param name="orderedBy">Puts messages whose order is nobody's promise into one.</param>
        public async Task<IReadOnlyList<IMessage>> TakeAsync(int count, string? step = null, Func<IMessage, long>? orderedBy = null)
        {
            List<MessageStream.Incoming> taken = [];
            while (taken.Count < count && (taken.Count == 0 || taken[^1].Message is not null))
                taken.Add(await NextAsync());
            if (orderedBy is not null)
                taken = [.. taken.OrderBy(one => one.Message is { } message ? orderedBy(message) : long.MaxValue)];
            run.NoteMessages(step ?? rpc.Name, rpc.Response, taken);
            return [.. taken.Where(one => one.Message is not null).Select(one => one.Message!)];   // not null: just looked
        }

        /// <summary>Takes one message without noting it.</summary>
        /// <returns>Null at the end of the stream.</returns>
        public async Task<IMessage?> LookAsync() => (await NextAsync()).Message;

        private async Task<MessageStream.Incoming> NextAsync()
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(run.Cancellation);
            patience.CancelAfter(MessagePatience);
            try
            {
                return await stream.NextAsync(patience.Token);
            }
            catch (OperationCanceledException) when (!run.Cancellation.IsCancellationRequested)
            {
                return new MessageStream.Incoming(JsonValue.Create("nothing more came"), null);
            }
        }

        public void Dispose() => stream.Dispose();
    }
}
