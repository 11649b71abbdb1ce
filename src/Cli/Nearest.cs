namespace Conclave.Cli;

/// <summary>Finds what a misspelt word was probably meant to be.</summary>
internal static class Nearest
{
    /// <summary>The known word with the fewest letters to change, or null when none is close.</summary>
    public static string? Of(string word, IEnumerable<string> known)
    {
        string? best = null;
        int closest = (word.Length < 4 ? 1 : Math.Max(2, word.Length / 3)) + 1;   // two slips, so that swapped letters count, and more in long words
        foreach (string candidate in known)
        {
            int distance = Distance(word, candidate);
            if (distance < closest) (best, closest) = (candidate, distance);
        }

        return best;
    }

    // Number of letters to insert, delete or replace, row by row of the usual table.
    private static int Distance(string left, string right)
    {
        int[] previous = [.. Enumerable.Range(0, right.Length + 1)], current = new int[right.Length + 1];
        for (int i = 1; i <= left.Length; i++)
        {
            current[0] = i;
            for (int j = 1; j <= right.Length; j++)
            {
                int replace = previous[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
                current[j] = Math.Min(replace, Math.Min(previous[j], current[j - 1]) + 1);
            }

            (previous, current) = (current, previous);
        }

        return previous[right.Length];
    }
}
