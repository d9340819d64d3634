import { Component, type ComponentType } from "preact";

// memo draws again only when a prop is another one; long lists need it.
export function memo<P extends object>(Draw: ComponentType<P>): ComponentType<P> {
  return class extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      const before: P = this.props;
      return (Object.keys(next) as (keyof P)[]).some((k) => k !== ("children" as keyof P) && next[k] !== before[k]);
    }
    override render() {
      return <Draw {...this.props} />;
    }
  };
}
