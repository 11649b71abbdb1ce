using System.Collections.Immutable;

namespace Conclave.Layers.Records;

/// <summary>Changes, and the parts that they share with states, as canonical bytes.</summary>
internal static class ChangeCodec
{
    private const byte OfDimensions = 1, OfWeight = 2, OfNode = 3, OfSchema = 4, OfEntry = 5;

    public static byte[] Write(ChangeRecord record)
    {
        var writer = new CanonicalWriter();
        writer.Byte(StateCodec.ChangeMark);
        writer.Byte(StateCodec.Version);
        writer.Signed(record.Change.Base);
        writer.Signed(record.CheckedAt);
        Write(writer, record.Note);
        Write(writer, record.Change.Edits);
        return writer.ToArray();
    }

    public static ChangeRecord ReadRecord(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > Limits.ChangeBytesMax)
            throw CanonicalReader.Damaged($"a change has {bytes.Length} bytes, {Limits.ChangeBytesMax} are allowed");
        var reader = new CanonicalReader(bytes);
        StateCodec.Begin(ref reader, StateCodec.ChangeMark, "change");
        long onto = reader.Signed(), checkedAt = reader.Signed();
        ReleaseNote note = ReadNote(ref reader);
        ImmutableArray<Edit> edits = ReadEdits(ref reader);
        reader.End();
        return new(new(onto, edits), note, checkedAt);
    }

    public static void Write(CanonicalWriter writer, ReleaseNote note)
    {
        writer.Text(note.Author);
        writer.Signed(note.TimeUnixMs);
        writer.Text(note.Reason);
        writer.Text(note.Ticket);
        writer.Signed(note.Reverts);
        writer.Boolean(note.AllowShrink);
    }

    public static ReleaseNote ReadNote(ref CanonicalReader reader) => new()
    {
        Author = reader.Text(),
        TimeUnixMs = reader.Signed(),
        Reason = reader.Text(),
        Ticket = reader.Text(),
        Reverts = reader.Signed(),
        AllowShrink = reader.Boolean(),
    };

    public static void Write(CanonicalWriter writer, ImmutableArray<Edit> edits)
    {
        writer.Count(edits.Length);
        foreach (Edit edit in edits)
        {
            switch (edit)
            {
                case DimensionsEdit dimensions:
                    writer.Byte(OfDimensions);
                    Write(writer, dimensions.List, dimensions.NodeDimension);
                    break;
                case WeightEdit weight:
                    writer.Byte(OfWeight);
                    writer.Text(weight.Dimension);
                    writer.Text(weight.Value);
                    writer.OptionalValue(weight.Weight is { } known ? Value.Of(known) : null);
                    break;
                case NodeEdit node:
                    writer.Byte(OfNode);
                    writer.Text(node.Node);
                    writer.Boolean(node.Assignment is not null);
                    if (node.Assignment is not null)
                        Write(writer, node.Assignment);
                    break;
                case SchemaEdit schema:
                    writer.Byte(OfSchema);
                    writer.Text(schema.Document);
                    writer.Text(schema.Key);
                    writer.Boolean(schema.Schema is not null);
                    if (schema.Schema is not null)
                        StateCodec.Write(writer, schema.Schema);
                    break;
                case EntryEdit entry:
                    writer.Byte(OfEntry);
                    writer.Text(entry.Document);
                    Write(writer, entry.Scope);
                    writer.Text(entry.Key);
                    writer.Boolean(entry.Entry is not null);
                    if (entry.Entry is not null)
                        Write(writer, entry.Entry);
                    break;
                default:
                    throw new InvalidOperationException($"{edit.GetType().Name} has no binary form. This is a bug: report it.");
            }
        }
    }

    public static ImmutableArray<Edit> ReadEdits(ref CanonicalReader reader)
    {
        int count = reader.Count(bytesEach: 3);
        var edits = ImmutableArray.CreateBuilder<Edit>(count);
        for (int i = 0; i < count; i++)
        {
            byte kind = reader.Byte();
            switch (kind)
            {
                case OfDimensions:
                    (ImmutableArray<Dimension> list, string nodeDimension) = ReadDimensions(ref reader);
                    edits.Add(new DimensionsEdit(list, nodeDimension));
                    break;
                case OfWeight:
                    edits.Add(new WeightEdit(reader.Text(), reader.Text(), reader.OptionalValue() switch
                    {
                        null => null,
                        { Kind: ValueKind.Integer, AsInteger: >= int.MinValue and <= int.MaxValue and long weight } => (int)weight,
                        _ => throw CanonicalReader.Damaged("a weight is no number of 32 bits"),
                    }));
                    break;
                case OfNode:
                    edits.Add(new NodeEdit(reader.Text(), reader.Boolean() ? ReadAssignment(ref reader) : null));
                    break;
                case OfSchema:
                    edits.Add(new SchemaEdit(reader.Text(), reader.Text(), reader.Boolean() ? StateCodec.ReadSchema(ref reader) : null));
                    break;
                case OfEntry:
                    edits.Add(new EntryEdit(reader.Text(), ReadScope(ref reader), reader.Text(), reader.Boolean() ? ReadEntry(ref reader) : null));
                    break;
                default:
                    throw CanonicalReader.Damaged($"there is no kind of edit {kind}");
            }
        }
        return edits.MoveToImmutable();
    }

    public static void Write(CanonicalWriter writer, ImmutableArray<Dimension> list, string nodeDimension)
    {
        writer.Count(list.Length);
        foreach (Dimension dimension in list)
        {
            writer.Text(dimension.Name);
            writer.Boolean(dimension.IsMultiValued);
        }
        writer.Text(nodeDimension);
    }

    public static (ImmutableArray<Dimension> List, string NodeDimension) ReadDimensions(ref CanonicalReader reader)
    {
        var list = ImmutableArray.CreateBuilder<Dimension>();
        for (int left = reader.Count(bytesEach: 2), i = 0; i < left; i++)
            list.Add(new(reader.Text(), reader.Boolean()));
        return (list.ToImmutable(), reader.Text());
    }

    public static void Write(CanonicalWriter writer, Assignment assignment) => WritePairs(writer, [.. assignment.Pairs]);

    public static Assignment ReadAssignment(ref CanonicalReader reader)
    {
        List<ScopePair> pairs = ReadPairs(ref reader);
        Assignment assignment = Assignment.Of(pairs);
        return assignment.Pairs.SequenceEqual(pairs) ? assignment : throw CanonicalReader.Damaged("an assignment is out of order");
    }

    public static void Write(CanonicalWriter writer, Scope scope) => WritePairs(writer, scope.Pairs);

    public static Scope ReadScope(ref CanonicalReader reader)
    {
        List<ScopePair> pairs = ReadPairs(ref reader);
        if (pairs.Count > Limits.DimensionsMax)
            throw CanonicalReader.Damaged($"a scope has {pairs.Count} dimensions");
        for (int i = 1; i < pairs.Count; i++)
        {
            if (string.CompareOrdinal(pairs[i - 1].Dimension, pairs[i].Dimension) >= 0)
                throw CanonicalReader.Damaged("a scope is out of order");
        }
        return Scope.Of(pairs);
    }

    public static void Write(CanonicalWriter writer, Entry entry)
    {
        writer.Byte((byte)entry.Op);
        writer.Value(entry.Value);
        writer.Text(entry.Comment);
        writer.Signed(entry.Release);
    }

    public static Entry ReadEntry(ref CanonicalReader reader) => new(StateCodec.Known((EntryOp)reader.Byte()), reader.Value(), reader.Text(), reader.Signed());

    private static void WritePairs(CanonicalWriter writer, ImmutableArray<ScopePair> pairs)
    {
        writer.Count(pairs.Length);
        foreach (ScopePair pair in pairs)
        {
            writer.Text(pair.Dimension);
            writer.Text(pair.Value);
        }
    }

    private static List<ScopePair> ReadPairs(ref CanonicalReader reader)
    {
        var pairs = new List<ScopePair>();
        int count = reader.Count(bytesEach: 2);
        if (count > Limits.DimensionsMax * Limits.ValuesPerDimensionMax)
            throw CanonicalReader.Damaged($"{count} dimensions' values are more than there can be");
        for (int i = 0; i < count; i++)
            pairs.Add(new(reader.Text(), reader.Text()));
        return pairs;
    }
}
