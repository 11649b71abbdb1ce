namespace Conclave.Conformance.Tests.Suite;

/// <summary>Which transports a case runs over.</summary>
[Flags]
internal enum Over
{
    Grpc = 1,
    Json = 2,
    Both = Grpc | Json,
}

/// <summary>A named list of steps. Every answer becomes part of a transcript; the transcripts of both servers have to be the same.</summary>
internal sealed record ConformanceCase(string Name, Over Transports, Func<Run, Task> Steps)
{
    /// <summary>Each transport the case runs over, one at a time.</summary>
    public IEnumerable<Over> EachTransport => ((Over[])[Over.Grpc, Over.Json]).Where(one => Transports.HasFlag(one));
}
