using System.Globalization;

namespace Conclave.Node.Http.Limits;

/// <summary>When to come again, in the words of gRPC and of HTTP.</summary>
internal static class RetryHint
{
    public static string Milliseconds(TimeSpan wait) => ((long)Math.Ceiling(Math.Max(1, wait.TotalMilliseconds))).ToString(CultureInfo.InvariantCulture);

    /// <summary>HTTP has whole seconds only.</summary>
    public static string Seconds(TimeSpan wait) => ((long)Math.Ceiling(Math.Max(1, wait.TotalSeconds))).ToString(CultureInfo.InvariantCulture);
}
