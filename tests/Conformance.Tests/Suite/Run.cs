using System.Text;
using System.Text.Json.Nodes;
using Conclave.Conformance.Tests.Comparing;
using Conclave.Conformance.Tests.Transports;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Conclave.Conformance.Tests.Suite;

/// <summary>One case on one server over one transport: what a case's steps are written with.</summary>
internal sealed partial class Run
{
    private readonly Readable _readable;
    private readonly string _case;
    private readonly List<(string Name, JsonNode? Seen)> _steps = [];

    public Run(Target target, string name, Over over, long first, CancellationToken cancellationToken)
    {
        (Target, _case, Over, First, Cancellation) = (target, name, over, first, cancellationToken);
        _readable = new Readable(first, Prefix, target.Cluster.Members);
    }

    public Target Target { get; }

    public Over Over { get; }

    /// <summary>Revision of the store when the case began; the transcript counts from it.</summary>
    public long First { get; }

    public CancellationToken Cancellation { get; }

    /// <summary>Metadata of the calls that follow.</summary>
    public Dictionary<string, string> Metadata { get; } = [];

    /// <summary>All keys of the case begin with it. Transcripts show it as '~'.</summary>
    public string Prefix => PrefixOf(_case, Over);

    private ITransport Transport => Over == Over.Grpc ? Target.Grpc : Target.Json;

    public static string PrefixOf(string name, Over over) => $"{(over == Over.Grpc ? 'g' : 'j')}{Hash(name):x6}.";

    public ByteString Key(string name) => ByteString.CopyFromUtf8(Prefix + name);

    /// <summary>Bytes that need not be text, behind the prefix.</summary>
    public ByteString Key(params ReadOnlySpan<byte> name) => ByteString.CopyFrom([.. Encoding.UTF8.GetBytes(Prefix), .. name]);

    /// <summary>End of the range of all keys that begin so.</summary>
    public ByteString EndOf(string name)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(Prefix + name);
        bytes[^1]++;
        return ByteString.CopyFrom(bytes);
    }

    /// <summary>A name of a user or role that no other case has.</summary>
    public string NameOf(string name) => Prefix + name;

    /// <summary>An id that no other case has, and the same on both servers.</summary>
    public long LeaseId(int number) => (Hash(_case) << 6) + ((long)Over << 4) + number;

    public Transcript Transcript(long groupsFirst) => new(_case, Over, First - groupsFirst, _steps);

    /// <summary>Calls and notes the answer.</summary>
    public Task<Answer> CallAsync(IMessage request, string? step = null) => CallAsync(Rpc.Of(request), request, step);

    public async Task<Answer> CallAsync(Rpc rpc, IMessage request, string? step = null) =>
        Noted(step ?? rpc.Name, rpc.Response, await Transport.CallAsync(rpc, request, Metadata, Cancellation));

    /// <summary>Does what the case needs but is not about: noted only when it fails.</summary>
    public async Task<Answer> PrepareAsync(params IMessage[] requests)
    {
        Answer answer = new([], null);
        foreach (IMessage request in requests)
        {
            Rpc rpc = Rpc.Of(request);
            answer = await Transport.CallAsync(rpc, request, Metadata, Cancellation);
            if (!answer.Succeeded)
            {
                Noted("preparation: " + rpc.Name, rpc.Response, answer);
                throw new CaseBrokenException($"{rpc.Name} failed, which the case needs.");
            }
        }
        return answer;
    }

    /// <summary>Calls over gRPC without noting anything, to look at where things are.</summary>
    public async Task<T> LookAsync<T>(IMessage request) where T : class, IMessage =>
        (await Target.Grpc.CallAsync(Rpc.Of(request), request, Metadata, Cancellation)).As<T>();

    /// <summary>Over gRPC alone: any bytes to any path.</summary>
    public async Task CallRawAsync(string step, string path, byte[] body, MessageDescriptor? answers = null, string contentType = "application/grpc") =>
        Noted(step, answers, await Target.Grpc.CallRawAsync(path, body, answers, Metadata, contentType, Cancellation));

    /// <summary>Over JSON alone: any text to any path.</summary>
    /// <param name="step">Name of the step.</param>
    /// <param name="path">From the slash on.</param>
    /// <param name="body">Null for none.</param>
    /// <param name="answers">Type of the answer, so that it can be shown readably.</param>
    /// <param name="method">POST by default.</param>
    /// <param name="contentType">Null sends none.</param>
    public async Task<Answer> SendAsync(string step, string path, string? body, MessageDescriptor? answers = null, HttpMethod? method = null, string? contentType = "application/json") =>
        Noted(step, answers, await Target.Json.SendAsync(method ?? HttpMethod.Post, path, body, contentType, Metadata, answers, Cancellation));

    /// <summary>Notes anything else.</summary>
    public void Note(string step, JsonNode? seen) => _steps.Add(($"{_steps.Count + 1} {step}", _readable.Plain(seen)));

    /// <summary>Notes why the case could not go on.</summary>
    public void NoteBroken(string why) => _steps.Add((Suite.Transcript.Broken, _readable.Text(why)));

    public void NoteMessages(string step, MessageDescriptor type, IEnumerable<MessageStream.Incoming> messages) =>
        _steps.Add(($"{_steps.Count + 1} {step}", new JsonArray([.. messages.Select(one => one.Message is null ? _readable.Plain(one.Seen) : _readable.Message(one.Seen, type))])));

    private Answer Noted(string step, MessageDescriptor? type, Answer answer)
    {
        var seen = new JsonObject();
        foreach ((string name, JsonNode? value) in answer.Seen)
            seen[name] = name == "answer" && type is not null ? _readable.Message(value, type) : _readable.Plain(value);
        _steps.Add(($"{_steps.Count + 1} {step}", seen));
        return answer;
    }

    /// <summary>24 bits that are the same in every run.</summary>
    private static long Hash(string text)
    {
        uint hash = 2166136261;
        foreach (byte one in Encoding.UTF8.GetBytes(text))
            hash = (hash ^ one) * 16777619;
        return (hash >> 8) ^ (hash & 0xff);
    }

    /// <summary>Revision of the store now, as a call sees it that works in every state of authentication.</summary>
    public static async Task<long> RevisionAsync(Target target, IReadOnlyDictionary<string, string> metadata, CancellationToken cancellationToken)
    {
        var status = new StatusRequest();
        return (await target.Grpc.CallAsync(Rpc.Of(status), status, metadata, cancellationToken)).As<StatusResponse>().Header.Revision;
    }
}
