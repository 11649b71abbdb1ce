using Conclave.Node.Options;
using Conclave.Node.Services;
using Conclave.Raft;
using Conclave.Recording;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Consensus;

/// <summary>Starts the recording that --record-inputs asks for.</summary>
internal static class InputRecording
{
    /// <returns>Null when nobody asked, or when it cannot be started: a node serves without it.</returns>
    public static InputRecorder? StartIfAsked(NodeOptions options, RaftOptions coreOptions, RaftCore core, ILogger logger)
    {
        if (options.RecordInputs is not { Length: > 0 } directory) return null;
        try
        {
            var start = new RecordingStart(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), NodeVersion.Conclave, coreOptions);
            return new InputRecorder(new RecorderOptions { Directory = directory, BytesMax = options.RecordInputsBytesMax }, start, core, note => Log.RecordingNote(logger, note));
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            Log.RecordingNote(logger, $"Nothing is recorded: {directory} cannot be used: {problem.Message}");
            return null;
        }
    }
}
