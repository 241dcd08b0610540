using System.Text.Json;
using System.Text.Json.Nodes;
using Kubernetes;

namespace EgressOperator.Routers;

/// <summary>Writes what is made of EgressRouters.</summary>
internal sealed class RouterObjectWriter(RouterContext context, LeaderElection election)
{
    private const int EventAttempts = 3;

    /// <summary>How often an object is put back at most, which another program changes again and again.</summary>
    private static readonly TimeSpan _restoring = TimeSpan.FromSeconds(1);

    /// <summary>How often that is told at most.</summary>
    private static readonly TimeSpan _tellingAgain = TimeSpan.FromMinutes(1);

    /// <summary>How often it is tried to make the Secret of a pair.</summary>
    private static readonly TimeSpan _tryingKey = TimeSpan.FromSeconds(15);

    /// <summary>The object with the name of an EgressRouter; null if there is none.</summary>
    public async Task<MadeObject?> FindAsync(Resource kind, ObjectMeta router, CancellationToken cancellation)
    {
        if (context.Cache.Find(kind, router.Key) is MadeObject known)
        {
            return known;
        }

        try
        {
            // The copy has only objects with the label of this program.
            return MadeObject.Read(kind, await context.Api.GetAsync(kind, router.Namespace, router.Name, cancellation));
        }
        catch (ApiException failure) when (failure.IsNotFound)
        {
            return null;
        }
    }

    /// <summary>Makes an object as it should be.</summary>
    /// <returns>When to look again, because it was put back just before, or an old one goes; null if it is as it should be.</returns>
    public async Task<TimeSpan?> MakeAsync(
        ObjectMeta router, RouterState state, RenderedObject wanted, MadeObject? there, CancellationToken cancellation)
    {
        bool wasMade = state.Made.TryGetValue(wanted.Kind, out (string Hash, long At, string Version) made) && made.Hash == wanted.Hash;
        if (there is not null && ((wasMade && there.Meta.ResourceVersion == made.Version) || wanted.IsIn(there.Source())))
        {
            state.Made.TryAdd(wanted.Kind, (wanted.Hash, At: 0, there.Meta.ResourceVersion));
            return null;
        }

        if (wasMade && _restoring - context.Clock.GetElapsedTime(made.At) is TimeSpan pause && pause > TimeSpan.Zero)
        {
            return pause;
        }

        await election.UntilLeaderAsync(cancellation);
        if (there is not null && wanted.NeedsNewObject(there.Source()))
        {
            // Of a Deployment, the pods go first: until then it is there.
            bool hasPods = wanted.Kind == RouterResources.Deployments;
            await context.Api.DeleteAsync(wanted.Kind, router.Namespace, router.Name, there.Meta.Uid, cancellation, hasPods);
            if (hasPods)
            {
                return _restoring;
            }

            there = null;
        }

        // What is new is applied without force: a stranger's object that has appeared just now is a conflict, and stays as it is.
        JsonElement written = await context.Api.ApplyAsync(
            wanted.Kind, router.Namespace, router.Name, subresource: null, wanted.ToJson(there?.Meta.Uid), RouterLabels.Manager,
            force: there is not null, cancellation);
        context.Cache.Observe(wanted.Kind, written);
        string version = ObjectMeta.Of(written).ResourceVersion;
        state.Made[wanted.Kind] = (wanted.Hash, context.Clock.GetTimestamp(), version);
        context.Metrics.CountWrite();
        // A webhook may change what is applied: then nothing has been put back.
        if (wasMade && version != there?.Meta.ResourceVersion)
        {
            context.Metrics.CountRestored();
            if (!state.RestoredAt.TryGetValue(wanted.Kind, out long told) || context.Clock.GetElapsedTime(told) > _tellingAgain)
            {
                state.RestoredAt[wanted.Kind] = context.Clock.GetTimestamp();
                await TellAsync(
                    router, "Normal", "Restored",
                    $"{wanted.Kind.Kind} {router.Name} was {(there is null ? "deleted" : "changed")} by another program", cancellation);
            }
        }

        return null;
    }

    /// <summary>
    /// Makes the Secret with the key of a pair, unless it is there. The controller may not read Secrets, so from time to time it tries.
    /// </summary>
    /// <returns>When to try again.</returns>
    public async Task<TimeSpan> MakeKeyAsync(ObjectMeta router, RouterState state, CancellationToken cancellation)
    {
        if (state.KeySeenAt is long seen && _tryingKey - context.Clock.GetElapsedTime(seen) is TimeSpan pause && pause > TimeSpan.Zero)
        {
            return pause;
        }

        await election.UntilLeaderAsync(cancellation);
        try
        {
            await context.Api.CreateAsync(Resource.Secrets, router.Namespace, RenderedObject.KeyOf(router), cancellation);
            context.Metrics.CountWrite();
        }
        catch (ApiException failure) when (failure.IsAlreadyExists)
        {
        }

        state.KeySeenAt = context.Clock.GetTimestamp();
        return _tryingKey;
    }

    /// <summary>Tells an event. One that the API does not take is only logged: the conditions are what counts.</summary>
    public async Task TellAsync(ObjectMeta router, string type, string reason, string message, CancellationToken cancellation)
    {
        context.Log.Information("EgressRouter {Key:l}: {Reason:l}: {Message:l}", [router.Key, reason, message]);
        if (context.Events.New(RouterResources.EgressRouters, router, type, reason, message, subject: reason) is not JsonObject told)
        {
            return;
        }

        var pause = new Backoff(TimeSpan.FromSeconds(0.2), TimeSpan.FromSeconds(1));
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await context.Events.WriteAsync(told, cancellation);
                return;
            }
            catch (ApiException failure) when (attempt < EventAttempts)
            {
                await Task.Delay(pause.Next(failure), context.Clock, cancellation);
            }
            catch (ApiException failure)
            {
                context.Log.Warning("an event is lost: {Failure:l}", [failure.Message]);
                return;
            }
        }
    }
}
