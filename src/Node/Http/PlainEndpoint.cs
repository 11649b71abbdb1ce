using Conclave.Node.Http.Gateway;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;

namespace Conclave.Node.Http;

/// <summary>Serves the plain HTTP paths, and says so when a path is nobody's.</summary>
internal sealed class PlainEndpoint(ListenerServices services)
{
    /// <summary>Requests here may hold queries of a few names; more is nonsense.</summary>
    private const int QueryValuesMax = 64;

    public async Task HandleAsync(IFeatureCollection features, IHttpRequestFeature request, RequestState state)
    {
        IHttpResponseFeature response = features.GetRequiredFeature<IHttpResponseFeature>();
        if (!state.TryAdmit(services.Budget))
        {
            await SendAsync(state, response, PlainResponse.Text(StatusCodes.Status503ServiceUnavailable, "too many requests; come again soon\n"));
            return;
        }

        if (!services.Routes.TryFind(request.Path, out PlainHandler? handler))
        {
            await SendAsync(state, response, PlainResponse.Text(StatusCodes.Status404NotFound, "404 page not found\n"));
            return;
        }

        if (!HttpMethods.IsGet(request.Method))
        {
            response.Headers.Allow = "GET";
            await SendAsync(state, response, PlainResponse.Text(StatusCodes.Status405MethodNotAllowed, "Method Not Allowed\n"));
            return;
        }

        CancellationToken aborted = features.GetRequiredFeature<IHttpRequestLifetimeFeature>().RequestAborted;
        PlainResponse answer;
        try
        {
            answer = await handler(new PlainRequest(request.Path, Query(request.QueryString)), aborted);
        }
        catch (OperationCanceledException) when (aborted.IsCancellationRequested)
        {
            return; // Nobody is left to read an answer.
        }
        catch (Exception e)
        {
            services.Logger.PlainHandlerFailed(e, request.Path);
            answer = PlainResponse.Text(StatusCodes.Status500InternalServerError, "internal error; the node's log says more\n");
        }

        await SendAsync(state, response, answer);
    }

    private async Task SendAsync(RequestState state, IHttpResponseFeature response, PlainResponse answer)
    {
        state.Sending(services.Options.Time.GetTimestamp());
        CorsHeaders.Set(response.Headers, services.Options.CorsOrigin);
        response.StatusCode = answer.Status;
        response.Headers.ContentType = answer.ContentType;
        response.Headers.ContentLength = answer.Body.Length;
        await state.Features.GetRequiredFeature<IHttpResponseBodyFeature>().Writer.WriteAsync(answer.Body);
    }

    private static List<KeyValuePair<string, string>> Query(string query)
    {
        List<KeyValuePair<string, string>> values = [];
        foreach (QueryStringEnumerable.EncodedNameValuePair pair in new QueryStringEnumerable(query))
        {
            if (values.Count == QueryValuesMax)
                break;
            values.Add(new(pair.DecodeName().ToString(), pair.DecodeValue().ToString()));
        }

        return values;
    }
}
