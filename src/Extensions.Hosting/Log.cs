using Microsoft.Extensions.Logging;

namespace Conclave.Extensions.Hosting;

internal static partial class Log
{
    [LoggerMessage(7101, LogLevel.Information, "Leads {Election} with term {Term}; {Service} begins.")]
    public static partial void Leads(this ILogger logger, string election, long term, string service);

    [LoggerMessage(7102, LogLevel.Warning, "The leadership of {Election}, term {Term}, is lost; {Service} was told to stop.")]
    public static partial void LostLeadership(this ILogger logger, string election, long term, string service);

    [LoggerMessage(7103, LogLevel.Error, "{Service} still runs {Seconds} s after the leadership of {Election} was lost: another process may lead by now. Let it heed its token.")]
    public static partial void StillRuns(this ILogger logger, string service, double seconds, string election);

    [LoggerMessage(7104, LogLevel.Error, "{Service} failed; the leadership of {Election} is given up and sought again.")]
    public static partial void LeaderFailed(this ILogger logger, Exception cause, string service, string election);

    [LoggerMessage(7105, LogLevel.Warning, "Cannot be a candidate of {Election} now; tried again in {Seconds} s.")]
    public static partial void CannotCampaign(this ILogger logger, Exception cause, string election, double seconds);

    [LoggerMessage(7106, LogLevel.Information, "{Service} has ended by itself; the leadership of {Election} is given up and not sought again.")]
    public static partial void LeaderIsDone(this ILogger logger, string service, string election);

    [LoggerMessage(7201, LogLevel.Information, "Registered as {Key}.")]
    public static partial void Registered(this ILogger logger, string key);

    [LoggerMessage(7202, LogLevel.Warning, "{Key} is registered by another process, too. Give each an Instance of its own.")]
    public static partial void RegisteredTwice(this ILogger logger, string key);

    [LoggerMessage(7203, LogLevel.Warning, "{Key} is not registered now; tried again in {Seconds} s.")]
    public static partial void CannotRegister(this ILogger logger, Exception cause, string key, double seconds);

    [LoggerMessage(7204, LogLevel.Warning, "{Key} is taken out of the list, because the health checks say unhealthy.")]
    public static partial void IsUnhealthy(this ILogger logger, string key);

    [LoggerMessage(7205, LogLevel.Warning, "{Key} could not be taken out of the list; it leaves it within {Seconds} s by itself.")]
    public static partial void CannotDeregister(this ILogger logger, Exception cause, string key, double seconds);

    [LoggerMessage(7301, LogLevel.Error, "The changed options {Options} are not valid; the last valid ones are kept. {Problem}")]
    public static partial void KeptLastValid(this ILogger logger, string options, string problem);

    [LoggerMessage(7401, LogLevel.Information, "The configuration is {Source}.")]
    public static partial void ConfigurationIs(this ILogger logger, string source);

    [LoggerMessage(7402, LogLevel.Warning, "{Source}: {Problem}")]
    public static partial void ConfigurationProblem(this ILogger logger, string source, string problem);
}
