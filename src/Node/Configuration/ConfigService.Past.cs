using Conclave.Layers;
using Conclave.Layers.Serving;
using Conclave.Node.Auth;
using Conclave.Node.Http;
using Conclave.Store;
using Conclave.Wire.Grpc;
using V1 = Conclave.Wire.V1;

namespace Conclave.Node.Configuration;

/// <content>The space as it was. The newest changes are at hand; what lies before is put together from the records of the releases.</content>
internal sealed partial class ConfigService
{
    /// <summary>So long reading old records may take.</summary>
    private static readonly TimeSpan FoldTime = TimeSpan.FromSeconds(60);

    private readonly SemaphoreSlim _fold = new(1);

    /// <summary>The snapshot that a request asks about.</summary>
    private async ValueTask<SpaceSnapshot> AtAsync(RpcContext call, ConfigSpace space, SpaceSnapshot now, V1.At? at, Func<ValueTask>? beforeFold = null)
    {
        if (at is null || (at.Release == 0 && at.UnixMs == 0 && at.Draft.Length == 0)) return now;
        if (at.Draft.Length > 0)
        {
            Change change = ReadDraft(now, at.Draft, out V1.Draft draft);
            // What is wrong with it, said below, is about all of it.
            await _access.RequireReadAsync(call, now.Space, change.Documents(), $"read permission on all documents that draft {at.Draft} edits").ConfigureAwait(false);
            Plan plan = now.Fleet.Plan(change, new ReleaseNote { Author = draft.Author, Reason = "draft" }, now.Inputs);
            return plan.After is { } after ? now.With(after) : throw Refused(OfDraft(at.Draft, plan.Problems));
        }

        long release = at.Release != 0 ? at.Release : ReleaseAt(space, now, at.UnixMs);
        return now.With(await FleetAtAsync(call, space, now, release, beforeFold).ConfigureAwait(false));
    }

    /// <summary>The space at a release; 0 is before the first.</summary>
    private async ValueTask<SpaceSnapshot> AtReleaseAsync(RpcContext call, ConfigSpace space, SpaceSnapshot now, long release) =>
        release == 0 ? ConfigSpace.Empty(now.Space) : now.With(await FleetAtAsync(call, space, now, release).ConfigureAwait(false));

    /// <param name="call">The call.</param>
    /// <param name="space">The space.</param>
    /// <param name="now">Its newest release.</param>
    /// <param name="release">The one that is wanted.</param>
    /// <param name="beforeFold">Refuses whoever may not have it read from the records, which is much work; null where that was done.</param>
    private async ValueTask<Fleet> FleetAtAsync(RpcContext call, ConfigSpace space, SpaceSnapshot now, long release, Func<ValueTask>? beforeFold = null)
    {
        if (release < 0 || release > now.Release)
            throw new GrpcException(new GrpcStatus(GrpcCode.FailedPrecondition, $"conclave: release {release} cannot be shown; 1 to {now.Release} can"));
        if (space.At(now, release) is { } atHand) return atHand;
        if (beforeFold is not null) await beforeFold().ConfigureAwait(false);
        bool hasBegun = false;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(call.Cancellation);
        limit.CancelAfter(FoldTime);
        try
        {
            // One at a time: each is a whole state, and reads everything that was ever written.
            await _fold.WaitAsync(limit.Token).ConfigureAwait(false);
            hasBegun = true;
            try
            {
                return space.At(now, release) ?? await Task.Run(() => space.Fold(context.View, now, release, limit.Token), limit.Token).ConfigureAwait(false);
            }
            finally
            {
                _fold.Release();
            }
        }
        catch (OperationCanceledException) when (!call.Cancellation.IsCancellationRequested)
        {
            throw !hasBegun ? InLine() : new GrpcException(new GrpcStatus(GrpcCode.Unavailable,
                $"conclave: release {release} could not be put together from the records before it within {FoldTime.TotalSeconds} s; {now.State.OldestReachable} to {now.Release} are at hand, and others can be asked for again"));
        }
        catch (ConfigDamagedException damage)
        {
            throw new GrpcException(new GrpcStatus(GrpcCode.DataLoss, "conclave: " + damage.Message));
        }
    }

    private static GrpcException InLine() =>
        new(new GrpcStatus(GrpcCode.Unavailable, $"conclave: others had old releases read for {FoldTime.TotalSeconds} s, and only one at a time is served; ask again, or another member"));

    /// <summary>Who may change nothing of what was changed lately cannot take all of it back, and is told so before old records are read.</summary>
    private async ValueTask RequireSomeWriteAsync(RpcContext call, SpaceSnapshot now)
    {
        if (!context.Auth.IsOn) return;
        CommandIdentity who = await context.Auth.IdentifyAsync(call).ConfigureAwait(false);
        AuthState auth = context.View.Auth;
        for (long release = now.Release; release > 0 && now.State.EditsOf(release) is { } edits; release--)
        {
            foreach (Edit edit in edits)
            {
                if (ConfigAccess.CheckWrite(auth, who, now.Space, now.State, [edit]).IsNone) return;
            }
        }

        context.Auth.Require(call, who, new Lack(StoreError.PermissionDenied, Needs: "write permission on something that was changed lately"));
    }

    /// <summary>Nodes are shown to every user, but to read old records for them takes one who may read some document.</summary>
    private async ValueTask RequireSomeReadAsync(RpcContext call, SpaceSnapshot now)
    {
        Func<string, bool> mayRead = await _access.ReadableAsync(call, now.Space).ConfigureAwait(false);
        if (now.State.Documents.Keys.Any(mayRead) || !context.Auth.IsOn) return;
        context.Auth.Require(call, await context.Auth.IdentifyAsync(call).ConfigureAwait(false), new Lack(StoreError.PermissionDenied, Needs: "read permission on a document"));
    }

    /// <summary>The newest release that there was at a time; 0 for none. Times never go down from one release to the next.</summary>
    private long ReleaseAt(ConfigSpace space, SpaceSnapshot now, long unixMs)
    {
        (long there, long behind) = (0, now.Release + 1);   // published by then, and not
        while (behind - there > 1)
        {
            long middle = there + ((behind - there) / 2);
            if (NoteOf(space, now, middle).TimeUnixMs <= unixMs) there = middle;
            else behind = middle;
        }

        return there;
    }

    private ReleaseNote NoteOf(ConfigSpace space, SpaceSnapshot now, long release) => now.State.Notes.TryGetValue(release, out ReleaseNote? note) ? note : RecordOf(space, release).Note;

    /// <summary>The note of a release whose note is not at hand any more; null for any other.</summary>
    private ReleaseNote? OldNoteOf(string space, long release)
    {
        ConfigSpace known = engine.Of(space);
        return release > 0 && release <= known.Current.Release && !known.Current.State.Notes.ContainsKey(release) ? RecordOf(known, release).Note : null;
    }

    private ChangeRecord RecordOf(ConfigSpace space, long release)
    {
        try
        {
            return space.RecordOf(context.View, release);
        }
        catch (ConfigDamagedException damage)
        {
            throw new GrpcException(new GrpcStatus(GrpcCode.DataLoss, "conclave: " + damage.Message));
        }
    }
}
