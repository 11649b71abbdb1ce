using Conclave.Node.Consensus;

namespace Conclave.Node.Tests.Consensus;

public class SerialWorkerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);   // only waited for by a test that fails

    private sealed class Counter() : SerialWorker("counter")
    {
        private readonly List<int> _waiting = [];
        private List<int> _taken = [];
        private long _dueAt = long.MaxValue;
        private int _running;

        public SemaphoreSlim Ran { get; } = new(0);

        public int Sum { get; private set; }

        public bool Overlapped { get; private set; }

        public bool LastWasBorrowed { get; private set; }

        public bool FailNext { get; set; }

        public Exception? Failure { get; private set; }

        public bool DueSoonAfterNextRun { get; set; }

        public void Add(int number, bool wake) => Add((this, number), static s => s.Item1._waiting.Add(s.number), wake);

        protected override bool HasWorkUnderLock => _waiting.Count > 0;

        protected override bool FinishesBeforeStop => true;

        protected override TimeSpan? Alarm => _dueAt == long.MaxValue ? null : TimeSpan.FromMilliseconds(_dueAt - Environment.TickCount64);

        protected override void TakeUnderLock()
        {
            _taken = [.. _waiting];
            _waiting.Clear();
        }

        /// <summary>The first run goes on when it is set.</summary>
        public ManualResetEventSlim? Hold { get; init; }

        public ManualResetEventSlim Entered { get; } = new();

        protected override void Run(bool borrowed)
        {
            Overlapped |= Interlocked.Exchange(ref _running, 1) == 1;
            bool isFirst = !Entered.IsSet;
            Entered.Set();
            if (isFirst) Hold?.Wait(Patience);
            if (FailNext) throw new InvalidOperationException("told to");
            foreach (int number in _taken) Sum += number;
            LastWasBorrowed = borrowed;
            _dueAt = DueSoonAfterNextRun ? Environment.TickCount64 + 1 : long.MaxValue;
            DueSoonAfterNextRun = false;
            Volatile.Write(ref _running, 0);
            Ran.Release();
        }

        protected override void AfterOwnRun()
        {
        }

        protected override void OnFailure(Exception cause) => Failure = cause;
    }

    /// <summary>A worker whose own thread has done 1, and 4 was done here. Where that thread was not asleep yet and took the 4 as well, another worker is tried.</summary>
    private static Counter Borrowed(Action<Counter> prepare)
    {
        for (int attempt = 0; attempt < 1_000; attempt++)
        {
            var worker = new Counter();
            worker.Start();
            worker.Add(1, wake: true);
            Assert.True(worker.Ran.Wait(Patience, TestContext.Current.CancellationToken));
            prepare(worker);
            worker.Add(4, wake: false);
            if (worker.TryRunHere()) return worker;
            worker.Stop();
        }

        throw new InvalidOperationException("No worker could be borrowed.");
    }

    [Fact]
    public void Whoever_brings_work_may_do_it()
    {
        Counter worker = Borrowed(prepare: _ => { });

        Assert.Equal((5, true), (worker.Sum, worker.LastWasBorrowed));
        Assert.False(worker.TryRunHere());
        worker.Stop();
    }

    [Fact]
    public void While_somebody_is_at_it_nobody_else_is_and_the_work_is_not_lost()
    {
        var worker = new Counter { Hold = new ManualResetEventSlim() };
        worker.Start();
        worker.Add(1, wake: true);
        Assert.True(worker.Entered.Wait(Patience, TestContext.Current.CancellationToken));
        worker.Add(2, wake: false);

        Assert.False(worker.TryRunHere());

        worker.Hold.Set();
        worker.Stop();   // finishes what is left
        Assert.Equal((3, false), (worker.Sum, worker.Overlapped));
    }

    [Fact]
    public void Work_that_is_left_is_done_by_the_workers_own_thread()
    {
        var worker = new Counter();
        worker.Start();
        worker.Add(5, wake: true);

        Assert.True(worker.Ran.Wait(Patience, TestContext.Current.CancellationToken));

        Assert.Equal((5, false), (worker.Sum, worker.LastWasBorrowed));
        worker.Stop();
    }

    [Fact]
    public void An_alarm_that_a_borrowed_run_made_earlier_rings_in_time()
    {
        Counter worker = Borrowed(prepare: w => w.DueSoonAfterNextRun = true);
        Assert.True(worker.Ran.Wait(Patience, TestContext.Current.CancellationToken));

        Assert.True(worker.Ran.Wait(Patience, TestContext.Current.CancellationToken), "The alarm did not ring.");

        Assert.False(worker.LastWasBorrowed);
        worker.Stop();
    }

    [Fact]
    public async Task Nothing_is_lost_or_done_twice_at_a_time_when_many_bring_work()
    {
        var worker = new Counter();
        worker.Start();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (int i = 0; i < 2_000; i++)
            {
                worker.Add(1, wake: i % 3 == 0);
                if (i % 2 == 0) worker.TryRunHere();
            }

            worker.Wake();
        })));

        worker.Stop();   // finishes what is left

        Assert.Equal(16_000, worker.Sum);
        Assert.False(worker.Overlapped);
    }

    [Fact]
    public void A_worker_that_failed_stops_and_does_not_keep_its_owner_waiting()
    {
        var worker = new Counter();
        worker.Start();
        worker.FailNext = true;
        worker.Add(1, wake: false);
        worker.TryRunHere();
        worker.Add(1, wake: true);

        worker.Stop();

        Assert.NotNull(worker.Failure);
        Assert.False(worker.TryRunHere());
    }
}
