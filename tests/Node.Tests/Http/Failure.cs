namespace Conclave.Node.Tests.Http;

/// <summary>Waits for something that must fail, inside a handler.</summary>
internal static class Failure
{
    /// <returns>What the task failed with; null when it did not.</returns>
    public static async Task<Exception?> OfAsync(Task task)
    {
        await task.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return task.IsCanceled ? new OperationCanceledException() : task.Exception?.InnerException;
    }
}
