using System.Reflection;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Tests;

public class LogEventTests
{
    /// <summary>People look for them by number.</summary>
    [Fact]
    public void No_event_id_is_used_twice()
    {
        const BindingFlags all = BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        (int Id, string Name)[] events =
        [
            .. typeof(ConclaveNode).Assembly.GetTypes().SelectMany(type => type.GetMethods(all))
                .Where(method => method.GetCustomAttribute<LoggerMessageAttribute>() is not null)
                .Select(method => (method.GetCustomAttribute<LoggerMessageAttribute>()!.EventId, $"{method.DeclaringType!.Name}.{method.Name}")),
        ];

        Assert.NotEmpty(events);
        Assert.Empty(events.GroupBy(e => e.Id).Where(group => group.Count() > 1).Select(group => string.Join(" and ", group)));
    }
}
