using System.Text.RegularExpressions;

namespace Conclave.Node.Options;

/// <summary>Finds what somebody meant who wrote a name that nobody knows. Pure.</summary>
internal static partial class Misspelling
{
    private const int DistanceMax = 3, LettersToOneWrong = 4;

    /// <summary>The nearest of the names, however far.</summary>
    public static string Nearest(string name, IEnumerable<string> known) => known.MinBy(k => Distance(k, name))!;

    /// <summary>The name that an environment variable means; null when it is probably somebody else's.</summary>
    /// <param name="name">As a flag, without the prefix.</param>
    /// <param name="known">Flags that have an effect: whoever is warned of another one would set it in vain.</param>
    /// <remarks>Of one letter in four: in a short name, three others make any word of it.</remarks>
    public static string? MeantBy(string name, IEnumerable<string> known)
    {
        if (OfKubernetes().IsMatch(name)) return null;
        string nearest = Nearest(name, known);
        return Distance(nearest, name) <= Math.Min(DistanceMax, name.Length / LettersToOneWrong) ? nearest : null;
    }

    /// <summary>Each pod beside a Service named conclave, or conclave-..., is told its addresses: CONCLAVE_SERVICE_HOST, CONCLAVE_SERVICE_PORT_CLIENT, CONCLAVE_PORT, CONCLAVE_PORT_2379_TCP_ADDR and so on.</summary>
    [GeneratedRegex("(^|-)(service-host|service-port(-.+)?|port(-[0-9]+-(tcp|udp|sctp)(-(proto|port|addr))?)?)$")]
    private static partial Regex OfKubernetes();

    private static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            (int diagonal, row[0]) = (row[0], i);
            for (int j = 1; j <= b.Length; j++)
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)));
        }

        return row[b.Length];
    }
}
