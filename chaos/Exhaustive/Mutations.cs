namespace Conclave.Exhaustive;

internal static class Mutations
{
    public static int Run(TextWriter output, string? only) => 0;
}
