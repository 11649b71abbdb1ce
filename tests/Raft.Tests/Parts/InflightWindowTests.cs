namespace Conclave.Raft.Tests;

public class InflightWindowTests
{
    [Fact]
    public void It_is_full_by_count_or_by_bytes()
    {
        var window = new InflightWindow(countMax: 3, bytesMax: 100);
        window.Add(new(1), 1, 10);
        window.Add(new(2), 2, 10);
        Assert.False(window.IsFull);
        window.Add(new(3), 3, 10);
        Assert.True(window.IsFull);

        window.FreeUpTo(new(2));
        Assert.Equal((1, 10L, 3UL), (window.Count, window.Bytes, window.OldestSequence));
        window.Add(new(4), 4, 5000); // one larger than the bound still travels
        Assert.True(window.IsFull);
    }

    [Fact]
    public void Clearing_it_frees_count_and_bytes_together()
    {
        var window = new InflightWindow(countMax: 3, bytesMax: 100);
        for (ulong i = 1; i <= 2; i++) window.Add(new(i), i, 50);
        window.Clear();
        Assert.Equal((0, 0L, false), (window.Count, window.Bytes, window.IsFull));
    }

    [Fact]
    public void It_keeps_its_order_while_it_turns_and_grows()
    {
        var window = new InflightWindow(countMax: 1000, bytesMax: long.MaxValue);
        ulong added = 0, freed = 0;
        for (int round = 0; round < 200; round++)
        {
            for (int i = 0; i < 7; i++) window.Add(new(++added), added, 1);
            freed += 5;
            window.FreeUpTo(new(freed));
            Assert.Equal((int)(added - freed), window.Count);
            Assert.Equal(freed + 1, window.OldestSequence);
            Assert.Equal(window.Count, window.Bytes);
        }
    }
}
