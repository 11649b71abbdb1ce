using System.Collections.Immutable;
using System.Security.Cryptography;

namespace Conclave.Agent;

/// <summary>Carries out the effects that are about files.</summary>
/// <param name="options">Where the files are.</param>
/// <param name="files">The file system.</param>
/// <param name="state">What is remembered.</param>
/// <param name="owners">Numbers of a file's owner.</param>
public sealed class DiskEffects(AgentOptions options, IFiles files, StateDirectory state, Func<FileOptions, FileOwner> owners)
{
    private const string NoFailure = "";

    /// <summary>Beside the file, so that the rename stays in one file system; hidden, and with another ending, so that no program takes it for its own.</summary>
    public static string StagedPath(string path) => Path.Combine(Path.GetDirectoryName(path)!, $".{Path.GetFileName(path)}.conclave-new");   // paths are absolute names of files

    /// <summary>Owner by the names in the configuration.</summary>
    /// <exception cref="FileFailure">There is no such user or group.</exception>
    public static FileOwner OwnerByName(FileOptions file) => new(
        file.User is null ? null : PosixCalls.UserOf(file.User) ?? throw new FileFailure($"[file {file.Name}] owner: there is no user {file.User} on this machine."),
        file.UserGroup is null ? null : PosixCalls.GroupOf(file.UserGroup) ?? throw new FileFailure($"[file {file.Name}] owner: there is no group {file.UserGroup} on this machine."));

    /// <returns>Null for an effect that is not about files.</returns>
    public StepResult? Run(AgentEffect effect)
    {
        bool mayBeDone = false;
        try
        {
            switch (effect)
            {
                case SaveDocument save:
                    state.SaveDocument(save.Document);
                    break;
                case StageFiles stage:
                    return Stage(stage.Files);
                case SaveNext save:
                    if (save.Original is { } original) state.SaveGood(save.Group, original);
                    state.SaveNext(save.Group, save.Next);
                    break;
                case SaveJournal save:
                    state.SaveJournal(save.Group, save.Journal);
                    break;
                case CommitFile commit:
                    string path = FileOf(commit.File).Path;
                    files.Rename(StagedPath(path), path);
                    mayBeDone = true;
                    files.SyncDirectory(Path.GetDirectoryName(path)!);   // as in StagedPath
                    break;
                case SaveGood save:
                    state.SaveGood(save.Group, save.Good);
                    break;
                case DropStaged drop:
                    foreach (FileOptions file in options.FilesOf(drop.Group)) files.Delete(StagedPath(file.Path));
                    break;
                default:
                    return null;
            }

            return StepResult.Done;
        }
        catch (FileFailure failure)
        {
            return new StepResult(failure.Message) { MayBeDone = mayBeDone };
        }
    }

    public Inspected Look(string name)
    {
        FileOptions file = FileOf(name);
        try
        {
            if (files.Look(file.Path) is not { } stat || files.Read(file.Path) is not { } bytes) return new Inspected(name, null, NoFailure);
            return new Inspected(name, Convert.ToHexStringLower(SHA256.HashData(bytes)), Wrong(file, stat));
        }
        catch (FileFailure failure)
        {
            return new Inspected(name, "unreadable", failure.Message);
        }
    }

    private StepResult Stage(ImmutableArray<FileContent> contents)
    {
        var same = ImmutableHashSet.CreateBuilder<string>(StringComparer.Ordinal);
        var before = ImmutableArray.CreateBuilder<FileContent>();
        foreach (FileContent content in contents)
        {
            FileOptions file = FileOf(content.File);
            FileStat? stat = files.Look(file.Path);
            if (stat is { Kind: not FileKind.File })
                throw new FileFailure(stat.Value.Kind == FileKind.Link ? $"{file.Path} is a symbolic link, which the new file would replace. Name the file itself in [file {file.Name}] path."
                    : $"{file.Path} is not a file. Remove it, or name another path in [file {file.Name}].");
            byte[]? there = stat is null ? null : files.Read(file.Path);
            if (there is not null) before.Add(new FileContent(file.Name, file.Path, [.. there]));
            if (there is not null && there.AsSpan().SequenceEqual(content.Bytes.AsSpan()) && Wrong(file, stat!.Value).Length == 0) same.Add(file.Name);   // there is one
            else files.Write(StagedPath(file.Path), content.Bytes.AsSpan(), file.Mode, owners(file));
        }

        return new StepResult { Same = same.ToImmutable(), Before = before.ToImmutable() };
    }

    private string Wrong(FileOptions file, FileStat stat)
    {
        if (stat.Kind != FileKind.File) return $"{file.Path} is no longer a file of its own.";
        if (stat.Mode != file.Mode) return $"{file.Path} has mode {Convert.ToString((int)stat.Mode, 8)} instead of {Convert.ToString((int)file.Mode, 8)}.";
        FileOwner owner = owners(file);
        return (owner.User ?? stat.User) == stat.User && (owner.Group ?? stat.Group) == stat.Group ? NoFailure : $"{file.Path} has another owner.";
    }

    private FileOptions FileOf(string name) => options.Files.First(f => f.Name == name);
}
