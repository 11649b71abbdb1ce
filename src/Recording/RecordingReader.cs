using System.Buffers.Binary;
using Conclave.Raft;

namespace Conclave.Recording;

/// <summary>Reads one part of a recording from its beginning to where it ends, block by block.</summary>
public sealed class RecordingReader : IDisposable
{
    private readonly Stream _file;
    private readonly string _path;
    private readonly byte[] _header = new byte[RecordingFormat.BlockHeaderBytes];
    private long _at;
    private (BlockKind Kind, BodyReader Body)? _next;

    private RecordingReader(Stream file, string path) => (_file, _path) = (file, path);

    /// <summary>Which part it is.</summary>
    public PartStart Start { get; private set; } = null!;   // set by Open before anybody sees the reader

    /// <summary>The core before the first batch, as <see cref="SavedCore.Write"/> wrote it, without payloads.</summary>
    public ReadOnlyMemory<byte> Core { get; private set; }

    /// <summary>For messages.</summary>
    public string Path => _path;

    /// <summary>Why the part ends; known once <see cref="Read"/> returned null.</summary>
    public RecordingEnd End { get; private set; }

    /// <summary>How the core failed, when <see cref="End"/> says so.</summary>
    public string Failure { get; private set; } = "";

    /// <summary>Bytes after the last whole block: a write that the end of the process cut off.</summary>
    public long TornBytes { get; private set; }

    /// <exception cref="RecordingException">It is no recording, is damaged, or was written by another version.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static RecordingReader Open(string path) => Open(File.OpenRead(path), path);

    /// <param name="file">Read from its beginning; owned by the reader.</param>
    /// <param name="path">For messages.</param>
    /// <exception cref="RecordingException">It is no recording, is damaged, or was written by another version.</exception>
    public static RecordingReader Open(Stream file, string path)
    {
        RecordingReader reader = new(file, path);
        try
        {
            reader.ReadStart();
            return reader;
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    /// <summary>The next batch, or null at the end.</summary>
    /// <exception cref="RecordingException">The file is damaged here; what was read before is right.</exception>
    public RecordedStep? Read()
    {
        if ((_next ?? ReadBlock()) is not { } block)
        {
            End = RecordingEnd.Killed;
            return null;
        }

        _next = null;
        switch (block.Kind)
        {
            case BlockKind.Batch or BlockKind.Unfinished:
                OutputDigest? digest = block.Kind == BlockKind.Unfinished ? null
                    : new OutputDigest(block.Body.Fixed32(), block.Body.Fixed32(), block.Body.Fixed32(), block.Body.Fixed32(), block.Body.Fixed32());
                List<RaftInput> inputs = [];
                InputCodec.ReadAll(block.Body, inputs);
                return new RecordedStep(inputs, digest);
            case BlockKind.End:
                End = (RecordingEnd)block.Body.Byte();
                Failure = block.Body.Text();
                return null;
            default:
                throw new RecordingException($"{_path} has a block of kind {block.Kind} before byte {_at}, where none belongs. It was written by another version: replay it with that one.");
        }
    }

    public void Dispose() => _file.Dispose();

    private void ReadStart()
    {
        Span<byte> magic = stackalloc byte[RecordingFormat.Magic.Length];
        bool isWhole = _file.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false) == magic.Length;
        if (isWhole && magic.SequenceEqual("CNCLREC1"u8)) throw new RecordingException($"{_path} was written by a version before recordings had parts. Replay it with the version that recorded it.");
        if (!isWhole || !magic.SequenceEqual(RecordingFormat.Magic))
            throw new RecordingException($"{_path} is no recording, or one of another version. Recordings end in {RecordingDirectory.Extension} and are written by conclave-node --record-inputs.");
        _at = magic.Length;
        if (ReadBlock() is not { Kind: BlockKind.Start } first)
            throw new RecordingException($"{_path} ends before its start was written: the process was stopped right away. There is nothing to replay.");
        Start = StartCodec.Read(first.Body);
        if (ReadBlock() is not { Kind: BlockKind.Core } core)
            throw new RecordingException($"{_path} ends before the core was written that it begins with: the process was stopped right away. There is nothing to replay.");
        Core = core.Body.Whole;
        _next = ReadBlock();
    }

    /// <summary>The next block, or null where the file ends, be it in the middle of one.</summary>
    private (BlockKind Kind, BodyReader Body)? ReadBlock()
    {
        int got = _file.ReadAtLeast(_header, _header.Length, throwOnEndOfStream: false);
        if (got < _header.Length)
        {
            TornBytes = got;
            return null;
        }

        int length = BinaryPrimitives.ReadInt32LittleEndian(_header);
        if (length is < 0 or > RecordingFormat.BodyBytesMax) throw Damaged();
        // Not the length's word but the file's: a damaged length must not claim memory.
        if (_file.CanSeek && length > _file.Length - _file.Position)
        {
            TornBytes = _header.Length + _file.Length - _file.Position;
            return null;
        }

        byte[] body = new byte[length];
        got = _file.ReadAtLeast(body, length, throwOnEndOfStream: false);
        if (got < length)
        {
            TornBytes = _header.Length + got;
            return null;
        }

        if (RecordingFormat.Checksum(_header[8], body) != BinaryPrimitives.ReadUInt32LittleEndian(_header.AsSpan(4))) throw Damaged();
        _at += _header.Length + length;
        return ((BlockKind)_header[8], new BodyReader(body));
    }

    private RecordingException Damaged() => new($"{_path} is damaged from byte {_at} on: a checksum does not match. What lies before can be replayed; the rest cannot be trusted.");
}

/// <summary>One batch of a recording.</summary>
/// <param name="Inputs">In order.</param>
/// <param name="Digest">Of its flush; null for the batch in which the core failed.</param>
public sealed record RecordedStep(IReadOnlyList<RaftInput> Inputs, OutputDigest? Digest);
