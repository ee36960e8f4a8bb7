// What stands in place of the page where it has no host.

export function Broken({ reason }: { reason: string }) {
  return (
    <main className="broken">
      <h1>The workbench cannot reach its files</h1>
      <p>{reason}</p>
      <p>
        <button type="button" onClick={() => window.location.reload()}>
          Try again
        </button>
      </p>
    </main>
  );
}
