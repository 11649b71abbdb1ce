using System.CommandLine;
using Conclave.Cli.Output;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave keygen</c>: makes keys. Asks no cluster.</summary>
internal sealed class KeygenCommand(Terminal terminal)
{
    public Command Run()
    {
        Argument<string> file = new("file") { Description = "The file. All members get the same one, with --secrets-key-file." };
        Option<bool> add = new("--add") { Description = "The file is there: the new key becomes the first, and the others go on opening what they sealed." };
        Command secrets = new("secrets", "Make a key for the secrets of the configuration, in a file that only its owner can read.") { file, add };
        secrets.SetAction(parsed =>
        {
            string path = parsed.GetRequiredValue(file);
            bool isThere = File.Exists(path), isAdded = parsed.GetValue(add);
            if (isThere != isAdded)
            {
                terminal.Fail(isThere ? $"{path} is there." : $"{path} is not there.", isThere ? "Give --add to put a new key in front of those in it." : "Leave --add out to make it.");
                return ExitCode.Usage;
            }

            try
            {
                KeyFile.Write(path, isThere ? File.ReadAllLines(path).Where(line => line.Trim().Length > 0) : []);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                terminal.Fail($"{path} cannot be written: {e.Message}");
                return ExitCode.Usage;
            }

            terminal.Out.WriteLine(isAdded ? $"{path}: new key in front. Bring the file to every member, start them again one by one, then: conclave secret rotate"
                : $"{path}: made. Bring it to every member and start them with --secrets-key-file {path}; keep a copy where backups are not: without it no secret of a backup can be read");
            return ExitCode.Done;
        });
        return new Command("keygen", "Make keys.") { secrets };
    }
}
