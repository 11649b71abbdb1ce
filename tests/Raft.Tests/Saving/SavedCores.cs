using System.Buffers;

namespace Conclave.Raft.Tests;

/// <summary>Short words for saving and loading.</summary>
internal static class SavedCores
{
    public static byte[] Bytes(RaftCore core, bool payloads = true)
    {
        var buffer = new ArrayBufferWriter<byte>();
        core.Save().Write(buffer, payloads);
        return buffer.WrittenSpan.ToArray();
    }

    public static RaftCore Load(RaftOptions options, byte[] bytes)
    {
        Assert.True(RaftCore.TryLoad(options, bytes, out RaftCore? core));
        return core;
    }
}
