using System.Collections.Immutable;

namespace Conclave.Layers.Records;

/// <summary>States and schemas as canonical bytes. docs/layers.md draws the format.</summary>
internal static class StateCodec
{
    /// <summary>First byte of every record: what it is.</summary>
    public const byte CheckpointMark = 0xC1, ChangeMark = 0xC2, ContentMark = 0xC3;

    public const byte Version = 1;

    public static byte[] Write(ConfigState state)
    {
        var writer = new CanonicalWriter();
        writer.Byte(CheckpointMark);
        writer.Byte(Version);
        writer.Signed(state.Release);
        writer.Signed(state.NodesHead);
        WriteContent(writer, state);
        writer.Count(state.Documents.Count);
        foreach (DocumentState document in state.Documents.Values)
            writer.Signed(document.Head);
        writer.Count(state.Notes.Count);
        foreach ((long release, ReleaseNote note) in state.Notes)
        {
            writer.Signed(release);
            ChangeCodec.Write(writer, note);
        }
        writer.Count(state.Bodies.Count);
        foreach ((long release, ReleaseBody body) in state.Bodies)
        {
            writer.Signed(release);
            ChangeCodec.Write(writer, body.Forward);
            ChangeCodec.Write(writer, body.Inverse);
            writer.Count(body.Bytes);
        }
        return writer.ToArray();
    }

    public static byte[] WriteContent(ConfigState state)
    {
        var writer = new CanonicalWriter();
        writer.Byte(ContentMark);
        writer.Byte(Version);
        WriteContent(writer, state);
        return writer.ToArray();
    }

    public static ConfigState Read(ReadOnlySpan<byte> bytes)
    {
        var reader = new CanonicalReader(bytes);
        Begin(ref reader, CheckpointMark, "checkpoint");
        long release = reader.Signed(), nodesHead = reader.Signed();
        (Dimensions dimensions, var nodes, List<(string Name, DocumentState State)> documents, int entries) = ReadContent(ref reader);
        if (reader.Count() != documents.Count)
            throw CanonicalReader.Damaged("heads and documents differ in number");
        var withHeads = ImmutableSortedDictionary.CreateBuilder<string, DocumentState>(StringComparer.Ordinal);
        foreach ((string name, DocumentState document) in documents)
            withHeads.Add(name, new(reader.Signed(), document.Schemas, document.Scopes));
        var notes = ImmutableSortedDictionary.CreateBuilder<long, ReleaseNote>();
        long previous = 0;
        for (int left = reader.Count(bytesEach: 6), i = 0; i < left; i++)
            notes.Add(NextRelease(ref reader, ref previous), ChangeCodec.ReadNote(ref reader));
        var bodies = ImmutableSortedDictionary.CreateBuilder<long, ReleaseBody>();
        long bodyBytes = 0;
        previous = 0;
        for (int left = reader.Count(bytesEach: 4), i = 0; i < left; i++)
        {
            long number = NextRelease(ref reader, ref previous);
            ImmutableArray<Edit> forward = ChangeCodec.ReadEdits(ref reader), inverse = ChangeCodec.ReadEdits(ref reader);
            var body = new ReleaseBody(forward, inverse, checked((int)reader.Unsigned()));
            bodyBytes += body.Bytes;
            bodies.Add(number, body);
        }
        reader.End();
        return new ConfigState
        {
            Release = release,
            NodesHead = nodesHead,
            Dimensions = dimensions,
            Nodes = nodes,
            Documents = withHeads.ToImmutable(),
            EntryCount = entries,
            Notes = notes.ToImmutable(),
            Bodies = bodies.ToImmutable(),
            BodyBytes = bodyBytes,
        };

        static long NextRelease(ref CanonicalReader reader, ref long previous)
        {
            long number = reader.Signed();
            return number > previous ? previous = number : throw CanonicalReader.Damaged($"release {number} is out of order");
        }
    }

    public static byte[] BytesOf(KeySchema schema)
    {
        var writer = new CanonicalWriter();
        Write(writer, schema);
        return writer.ToArray();
    }

    public static void Begin(ref CanonicalReader reader, byte mark, string what)
    {
        if (reader.Byte() != mark)
            throw CanonicalReader.Damaged($"it is no {what}");
        byte version = reader.Byte();
        if (version != Version)
            throw new RecordDamagedException($"The {what} is of version {version}; this program knows version {Version}. Upgrade it.");
    }

    public static void Write(CanonicalWriter writer, KeySchema schema)
    {
        writer.Byte((byte)schema.Type);
        writer.Byte((byte)schema.Element);
        writer.Byte((byte)schema.Format);
        writer.Byte((byte)schema.Merge);
        writer.Byte((byte)schema.Apply);
        writer.Byte((byte)((schema.Required ? 1 : 0) | (schema.Secret ? 2 : 0) | (schema.OneLinePerElement ? 4 : 0)));
        writer.OptionalValue(schema.Minimum is { } minimum ? Value.Of(minimum) : null);
        writer.OptionalValue(schema.Maximum is { } maximum ? Value.Of(maximum) : null);
        writer.OptionalValue(schema.LengthMax is { } length ? Value.Of(length) : null);
        writer.OptionalText(schema.Pattern);
        writer.OptionalText(schema.Uniform);
        writer.OptionalValue(schema.ProgramDefault);
        writer.Text(schema.Comment);
        writer.Count(schema.Choices.Length);
        foreach (Value choice in schema.Choices)
            writer.Value(choice);
    }

    public static KeySchema ReadSchema(ref CanonicalReader reader)
    {
        var schema = new KeySchema
        {
            Type = Known((KeyType)reader.Byte()),
            Element = Known((KeyType)reader.Byte()),
            Format = Known((ValueFormat)reader.Byte()),
            Merge = Known((MergeKind)reader.Byte()),
            Apply = Known((ApplyKind)reader.Byte()),
        };
        byte flags = reader.Byte();
        if (flags > 7)
            throw CanonicalReader.Damaged($"a schema has unknown flags {flags}");
        schema = schema with
        {
            Required = (flags & 1) != 0,
            Secret = (flags & 2) != 0,
            OneLinePerElement = (flags & 4) != 0,
            Minimum = Float(reader.OptionalValue()),
            Maximum = Float(reader.OptionalValue()),
            LengthMax = reader.OptionalValue() switch
            {
                null => null,
                { Kind: ValueKind.Integer, AsInteger: >= 0 and <= int.MaxValue and long length } => (int)length,
                _ => throw CanonicalReader.Damaged("a length is no number"),
            },
            Pattern = reader.OptionalText(),
            Uniform = reader.OptionalText(),
            ProgramDefault = reader.OptionalValue(),
            Comment = reader.Text(),
        };
        var choices = ImmutableArray.CreateBuilder<Value>();
        for (int left = reader.Count(), i = 0; i < left; i++)
            choices.Add(reader.Value());
        return schema with { Choices = choices.ToImmutable() };

        static double? Float(Value? value) => value switch
        {
            null => null,
            { Kind: ValueKind.Float } => value.AsFloat,
            _ => throw CanonicalReader.Damaged("a bound is no float"),
        };
    }

    public static T Known<T>(T value) where T : struct, Enum => Enum.IsDefined(value) ? value : throw CanonicalReader.Damaged($"{typeof(T).Name} {value} is unknown");

    private static void WriteContent(CanonicalWriter writer, ConfigState state)
    {
        ChangeCodec.Write(writer, state.Dimensions.List, state.Dimensions.NodeDimension);
        writer.Count(state.Dimensions.Weights.Count);
        foreach (((string dimension, string value), int weight) in state.Dimensions.Weights)
        {
            writer.Text(dimension);
            writer.Text(value);
            writer.Signed(weight);
        }
        writer.Count(state.Nodes.Count);
        foreach ((string node, Assignment assignment) in state.Nodes)
        {
            writer.Text(node);
            ChangeCodec.Write(writer, assignment);
        }
        writer.Count(state.Documents.Count);
        foreach ((string name, DocumentState document) in state.Documents)
        {
            writer.Text(name);
            writer.Count(document.Schemas.Count);
            foreach ((string key, KeySchema schema) in document.Schemas)
            {
                writer.Text(key);
                Write(writer, schema);
            }
            writer.Count(document.Scopes.Count);
            foreach ((Scope scope, ImmutableSortedDictionary<string, Entry> entries) in document.Scopes)
            {
                ChangeCodec.Write(writer, scope);
                writer.Count(entries.Count);
                foreach ((string key, Entry entry) in entries)
                {
                    writer.Text(key);
                    ChangeCodec.Write(writer, entry);
                }
            }
        }
    }

    private static (Dimensions, ImmutableSortedDictionary<string, Assignment>, List<(string, DocumentState)>, int) ReadContent(ref CanonicalReader reader)
    {
        (ImmutableArray<Dimension> list, string nodeDimension) = ChangeCodec.ReadDimensions(ref reader);
        Dimensions dimensions;
        try
        {
            dimensions = Dimensions.Create(list, nodeDimension);
        }
        catch (ArgumentException e)
        {
            throw CanonicalReader.Damaged(e.Message);
        }
        for (int left = reader.Count(bytesEach: 3), i = 0; i < left; i++)
            dimensions = dimensions.WithWeight(reader.Text(), reader.Text(), checked((int)reader.Signed()));

        var nodes = ImmutableSortedDictionary.CreateBuilder<string, Assignment>(StringComparer.Ordinal);
        string? previous = null;
        for (int left = reader.Count(bytesEach: 2), i = 0; i < left; i++)
            nodes.Add(Next(ref reader, ref previous), ChangeCodec.ReadAssignment(ref reader));

        var documents = new List<(string, DocumentState)>();
        int count = 0;
        string? previousDocument = null;
        for (int left = reader.Count(bytesEach: 3), i = 0; i < left; i++)
        {
            string name = Next(ref reader, ref previousDocument);
            var schemas = DocumentState.Empty.Schemas.ToBuilder();
            previous = null;
            for (int schemasLeft = reader.Count(bytesEach: 8), j = 0; j < schemasLeft; j++)
                schemas.Add(Next(ref reader, ref previous), ReadSchema(ref reader));
            var scopes = DocumentState.Empty.Scopes.ToBuilder();
            Scope? previousScope = null;
            for (int scopesLeft = reader.Count(bytesEach: 2), j = 0; j < scopesLeft; j++)
            {
                Scope scope = ChangeCodec.ReadScope(ref reader);
                if (previousScope is not null && previousScope.CompareTo(scope) >= 0)
                    throw CanonicalReader.Damaged($"scope {scope} is out of order");
                previousScope = scope;
                var entries = DocumentState.NoEntries.ToBuilder();
                previous = null;
                for (int entriesLeft = reader.Count(bytesEach: 5), k = 0; k < entriesLeft; k++)
                    entries.Add(Next(ref reader, ref previous), ChangeCodec.ReadEntry(ref reader));
                count += entries.Count;
                scopes.Add(scope, entries.ToImmutable());
            }
            documents.Add((name, new(0, schemas.ToImmutable(), scopes.ToImmutable())));
        }
        return (dimensions, nodes.ToImmutable(), documents, count);

        static string Next(ref CanonicalReader reader, ref string? previous)
        {
            string name = reader.Text();
            if (previous is not null && string.CompareOrdinal(previous, name) >= 0)
                throw CanonicalReader.Damaged($"\"{ValueChecks.Shown(name)}\" is out of order");
            previous = name;
            return name;
        }
    }
}
