using System.Text;
using Spectre.Console;

namespace Conclave.Cli.Output;

/// <summary>What a command reads from and writes to. Commands never touch the console itself, so tests can stand in for it.</summary>
/// <param name="Input">Standard input.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
/// <param name="IsInteractive">True when a person sees the output: tables instead of plain lines.</param>
/// <param name="IsInputInteractive">True when a person types the input.</param>
/// <param name="Environment">Looks an environment variable up.</param>
internal sealed record Terminal(
    Stream Input, Stream Output, TextWriter Error, bool IsInteractive, bool IsInputInteractive, Func<string, string?> Environment)
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);
    private readonly StreamWriter _out = new(Output, Utf8, bufferSize: 8192, leaveOpen: true) { NewLine = "\n" };

    /// <summary>Asks a person for something that must not be seen; null when there is nobody to ask.</summary>
    public Func<string, string?>? AskSecret { get; init; }

    /// <summary>Standard output as text. Flush it before the command waits, and at its end.</summary>
    public TextWriter Out => _out;

    /// <summary>The console of this process.</summary>
    public static Terminal OfProcess() => new(
        Console.OpenStandardInput(), Console.OpenStandardOutput(),
        // Not Console.Error: that would send set-up codes to the terminal that plain output does not need.
        new StreamWriter(Console.OpenStandardError(), Utf8) { NewLine = "\n", AutoFlush = true },
        !Console.IsOutputRedirected, !Console.IsInputRedirected, System.Environment.GetEnvironmentVariable)
    {
        AskSecret = Console.IsInputRedirected ? null : ReadSecret,
    };

    private static string? ReadSecret(string prompt)
    {
        Console.Error.Write(prompt);
        StringBuilder typed = new();
        while (true)
        {
            ConsoleKeyInfo key = Console.ReadKey(intercept: true);
            if (key.Key == ConsoleKey.Enter) break;
            if (key.Key == ConsoleKey.Backspace) typed.Length = Math.Max(0, typed.Length - 1);
            else if (key.KeyChar >= ' ') typed.Append(key.KeyChar);
        }

        Console.Error.WriteLine();
        return typed.ToString();
    }

    /// <summary>Writes exact bytes, in order with what was written as text.</summary>
    public void WriteBytes(ReadOnlySpan<byte> bytes)
    {
        _out.Flush();
        Output.Write(bytes);
    }

    /// <summary>Draws tables. Only for a person: the first use costs start-up time.</summary>
    public IAnsiConsole OpenTables() => AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(_out) });

    private const string Name = "conclave: ";

    /// <summary>Writes an error the way all commands do: what happened, and what to do about it.</summary>
    public void Fail(string what, string? remedy = null)
    {
        Out.Flush();
        Error.WriteLine(what.StartsWith(Name, StringComparison.Ordinal) ? what : Name + what);   // what comes from a server says so already
        if (remedy is not null) Error.WriteLine($"  {remedy}");
        Error.Flush();
    }
}
