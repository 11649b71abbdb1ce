using System.Collections.Immutable;
using System.Text;
using Conclave.Layers;
using Conclave.Layers.Rendering;

namespace Conclave.Agent;

/// <summary>Makes a file's bytes of a document.</summary>
public static class FileRendering
{
    private static readonly KeySchema LinePerElement = new() { OneLinePerElement = true };

    /// <param name="file">What to make.</param>
    /// <param name="document">Of what.</param>
    /// <param name="problem">Why it cannot be made, without values of secret keys.</param>
    public static FileContent? Render(FileOptions file, AgentDocument document, out string problem)
    {
        problem = "";
        KeySchema SchemaOf(string key) => document.Items.GetValueOrDefault(key)?.LinePerElement == true ? LinePerElement : KeySchema.Default;
        var source = new RenderSource(document.Effective, SchemaOf, _ => null);
        Rendered rendered = file.Template is { } template ? template.Render(source, file.Escape) : Renderer.Render(file.Format, source);
        if (rendered.Text is { } text) return new FileContent(file.Name, file.Path, [.. Encoding.UTF8.GetBytes(text)]);
        problem = string.Join(' ', rendered.Problems.Take(5).Select(p => p.Message));
        if (rendered.Problems.Length > 5) problem += $" And {rendered.Problems.Length - 5} more.";
        return null;
    }

    /// <summary>All files of a group.</summary>
    public static ImmutableArray<FileContent>? Render(IEnumerable<FileOptions> files, ImmutableArray<AgentDocument> documents, out string problem)
    {
        var rendered = ImmutableArray.CreateBuilder<FileContent>();
        problem = "";
        foreach (FileOptions file in files)
        {
            if (Render(file, documents.First(d => d.Name == file.Document), out problem) is not { } content) return null;
            rendered.Add(content);
        }

        return rendered.ToImmutable();
    }
}
