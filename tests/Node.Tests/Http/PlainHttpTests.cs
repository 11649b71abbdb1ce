using System.Net;
using Conclave.Node.Http;

namespace Conclave.Node.Tests.Http;

public class PlainHttpTests
{
    [Fact]
    public async Task A_route_gets_its_query_and_its_answer_is_sent_as_it_is()
    {
        List<KeyValuePair<string, string>> query = [];
        await using TestListener listener = await StartAsync((request, _) =>
        {
            query.AddRange(request.Query);
            return ValueTask.FromResult(PlainResponse.Json(503, """{"health":"false"}"""));
        });
        HttpResponseMessage answer = await listener.Http().GetAsync("/health?exclude=NOSPACE&exclude=a%20b&verbose", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal("application/json", answer.Content.Headers.ContentType?.ToString());
        Assert.Equal("""{"health":"false"}""", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal([new("exclude", "NOSPACE"), new("exclude", "a b"), new("verbose", "")], query);
        Assert.True(new PlainRequest("/", query).Has("verbose"));
        Assert.False(new PlainRequest("/", query).Has("quiet"));
        Assert.Equal("*", answer.Headers.GetValues("Access-Control-Allow-Origin").Single());
        Assert.False(answer.Headers.Contains("Server"));
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("HEAD")]
    public async Task Only_get_is_allowed(string method)
    {
        await using TestListener listener = await StartAsync((_, _) => ValueTask.FromResult(PlainResponse.Text(200, "ok")));
        HttpResponseMessage answer = await listener.Http().SendAsync(new HttpRequestMessage(new HttpMethod(method), "/health"), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
        Assert.Equal("GET", answer.Content.Headers.Allow.Single());
    }

    [Fact]
    public async Task An_unknown_path_is_not_found_in_the_words_of_go()
    {
        await using TestListener listener = await StartAsync((_, _) => ValueTask.FromResult(PlainResponse.Text(200, "ok")));
        HttpResponseMessage answer = await listener.Http().GetAsync("/nowhere", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Equal("404 page not found\n", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_route_that_fails_is_an_internal_error_and_logged()
    {
        await using TestListener listener = await StartAsync((_, _) => throw new InvalidOperationException("secret"));
        HttpResponseMessage answer = await listener.Http().GetAsync("/health", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
        Assert.DoesNotContain("secret", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Contains(listener.Log.Lines, line => line.StartsWith("Error 6103 GET /health", StringComparison.Ordinal));
    }

    private static Task<TestListener> StartAsync(PlainHandler handler) => TestListener.StartAsync(routes: routes => routes.Add("/health", handler));
}
