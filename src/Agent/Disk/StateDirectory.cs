using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace Conclave.Agent;

/// <summary>What the agent remembers. All of it is for its own user alone, since it holds secrets; each file is replaced as a whole.</summary>
/// <remarks>
/// <code>
/// documents/NAME.document   received last                     groups/NAME.good   what was last known to be well: documents and files
/// groups/NAME.journal       where the group is                groups/NAME.next   what is on its way
/// restarted/NAME            the operator's word               status.json        for people, without values
/// run                       the last start that reported something, and SHA-256 of whose it was
/// </code>
/// A damaged file counts as none: documents come again from the server, and a group without a journal looks at its files.
/// </remarks>
public sealed class StateDirectory(IFiles files, string directory)
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private const int RunBytes = 16;

    private string Documents => Path.Combine(directory, "documents");

    private string Groups => Path.Combine(directory, "groups");

    private string Marks => Path.Combine(directory, "restarted");

    public string StatusPath => Path.Combine(directory, "status.json");

    public string LockPath => Path.Combine(directory, "LOCK");

    public void Create()
    {
        foreach (string each in (string[])[directory, Documents, Groups, Marks]) files.CreateDirectory(each);
    }

    /// <param name="options">Whose documents and groups.</param>
    /// <param name="damaged">Files that could not be read.</param>
    public Started Load(AgentOptions options, out ImmutableArray<string> damaged)
    {
        var bad = new List<string>();
        var documents = ImmutableArray.CreateBuilder<AgentDocument>();
        foreach (string name in options.Documents)
        {
            if (Version(DocumentPath(name), bad) is { Documents: [var document] }) documents.Add(document);
        }

        var groups = ImmutableDictionary.CreateBuilder<string, GroupOnDisk>(StringComparer.Ordinal);
        foreach (GroupOptions group in options.Groups)
        {
            Journal journal = Journal.Empty;
            if (files.Read(GroupPath(group.Name, "journal")) is { } bytes)
            {
                if (Journal.FromBytes(bytes) is { } known) journal = known;
                else bad.Add(GroupPath(group.Name, "journal"));
            }

            groups.Add(group.Name, new GroupOnDisk(journal, Version(GroupPath(group.Name, "good"), bad), Version(GroupPath(group.Name, "next"), bad)));
        }

        damaged = [.. bad];
        return new Started(documents.ToImmutable(), groups.ToImmutable());
    }

    public void SaveDocument(AgentDocument document) => Save(DocumentPath(document.Name), new GroupVersion { Documents = [document], Files = [] }.ToBytes());

    public void SaveGood(string group, GroupVersion good) => Save(GroupPath(group, "good"), good.ToBytes());

    public void SaveNext(string group, GroupVersion next) => Save(GroupPath(group, "next"), next.ToBytes());

    public void SaveJournal(string group, Journal journal) => Save(GroupPath(group, "journal"), journal.ToBytes());

    /// <summary>Of the last start that reported something; empty for none, or when that was with another configuration file or in another directory.</summary>
    public byte[] LoadRun(AgentOptions options) => files.Read(RunPath) is { Length: RunBytes + SHA256.HashSizeInBytes } run && run.AsSpan(RunBytes).SequenceEqual(Owner(options)) ? run[..RunBytes] : [];

    public void SaveRun(AgentOptions options, ReadOnlySpan<byte> run) => Save(RunPath, [.. run, .. Owner(options)]);

    public void SaveStatus(ReadOnlySpan<byte> json) => Save(StatusPath, json);

    public void MarkRestarted(string group) => Save(MarkPath(group), [(byte)'\n']);

    /// <summary>Whether the operator said so; once.</summary>
    public bool TakeMark(string group)
    {
        if (files.Look(MarkPath(group)) is null) return false;
        files.Delete(MarkPath(group));
        return true;
    }

    /// <summary>Whose starts they are. Two that take turns on one directory, or on copies of it, did not begin where the other ended.</summary>
    private byte[] Owner(AgentOptions options) => SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', options.Node, options.Space, options.ConfigFile, Path.GetFullPath(directory))));

    private string RunPath => Path.Combine(directory, "run");

    private string DocumentPath(string name) => Path.Combine(Documents, Uri.EscapeDataString(name) + ".document");

    private string GroupPath(string name, string what) => Path.Combine(Groups, $"{Uri.EscapeDataString(name)}.{what}");

    private string MarkPath(string name) => Path.Combine(Marks, Uri.EscapeDataString(name) + ".mark");

    private GroupVersion? Version(string path, List<string> damaged)
    {
        if (files.Read(path) is not { } bytes) return null;
        GroupVersion? version = GroupVersion.FromBytes(bytes);
        if (version is null) damaged.Add(path);
        return version;
    }

    private void Save(string path, ReadOnlySpan<byte> bytes)
    {
        string draft = path + ".new";
        files.Write(draft, bytes, Private, default);
        files.Rename(draft, path);
        files.SyncDirectory(Path.GetDirectoryName(path)!);   // every path here is below a directory
    }
}
