using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Conclave.Architecture;

/// <summary>What a compiled assembly refers to, read from its metadata.</summary>
internal sealed class CompiledAssembly : IDisposable
{
    private readonly PEReader _file;
    private readonly MetadataReader _metadata;

    public CompiledAssembly(string name)
    {
        Name = name;
        _file = new PEReader(File.OpenRead(Path.Combine(AppContext.BaseDirectory, name + ".dll")));
        _metadata = _file.GetMetadataReader();
    }

    public string Name { get; }

    /// <summary>Names of other assemblies of this project that it refers to.</summary>
    public IEnumerable<string> OwnReferences() =>
        _metadata.AssemblyReferences.Select(h => _metadata.GetString(_metadata.GetAssemblyReference(h).Name))
            .Where(n => n.StartsWith("Conclave.", StringComparison.Ordinal) || n is "conclave-node" or "conclave");

    /// <summary>Full names of all types of other assemblies that it mentions.</summary>
    public IEnumerable<string> Types() => _metadata.TypeReferences.Select(NameOf);

    /// <summary>"Type.Member" for all members of other assemblies that it mentions.</summary>
    public IEnumerable<string> Members()
    {
        foreach (MemberReferenceHandle handle in _metadata.MemberReferences)
        {
            MemberReference member = _metadata.GetMemberReference(handle);
            if (member.Parent.Kind == HandleKind.TypeReference)
                yield return $"{NameOf((TypeReferenceHandle)member.Parent)}.{_metadata.GetString(member.Name)}";
        }
    }

    public void Dispose() => _file.Dispose();

    private string NameOf(TypeReferenceHandle handle)
    {
        TypeReference type = _metadata.GetTypeReference(handle);
        return $"{_metadata.GetString(type.Namespace)}.{_metadata.GetString(type.Name)}";
    }
}
