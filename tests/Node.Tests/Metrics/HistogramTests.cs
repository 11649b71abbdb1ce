using System.Text;
using Conclave.Node.Metrics;

namespace Conclave.Node.Tests.Metrics;

public class HistogramTests
{
    [Fact]
    public void A_value_counts_in_each_bucket_that_it_fits_into()
    {
        var histogram = new Histogram(smallest: 1, buckets: 3, sumParts: 1);
        foreach (double value in (double[])[0, 1, 2, 3, 100]) histogram.Observe(value);

        Assert.Equal("""
            t_bucket{To="a",le="1"} 2
            t_bucket{To="a",le="2"} 3
            t_bucket{To="a",le="4"} 4
            t_bucket{To="a",le="+Inf"} 5
            t_sum{To="a"} 106
            t_count{To="a"} 5

            """, Text(histogram, "To=\"a\""), ignoreLineEndingDifferences: true);
    }

    [Fact]
    public void Bounds_are_written_as_etcd_writes_them()
    {
        string[] small = Bounds(new Histogram(smallest: 0.0001, buckets: 16)), large = Bounds(new Histogram(smallest: 1, buckets: 24, sumParts: 1));
        Assert.Equal(["0.0001", "0.0002", "0.0004", "0.0008", "0.0016", "0.0032", "0.0064", "0.0128", "0.0256", "0.0512", "0.1024", "0.2048", "0.4096", "0.8192", "1.6384", "3.2768", "+Inf"], small);
        Assert.Equal(["262144", "524288", "1.048576e+06", "2.097152e+06", "4.194304e+06", "8.388608e+06", "+Inf"], large[18..]);
    }

    private static string[] Bounds(Histogram histogram) => [.. Text(histogram, "").Split('\n').Where(line => line.Contains("le=")).Select(line => line.Split('"')[1])];

    private static string Text(Histogram histogram, string labels)
    {
        var text = new StringBuilder();
        histogram.Write(text, "t", labels);
        return text.ToString();
    }
}
