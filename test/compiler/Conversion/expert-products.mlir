// Experts that return gate and up store them beside their hidden rows, a row for each pair; their gradient then has one
// product for each pair, and neither x nor w1 and w3.
// RUN: m1-opt %s --tile-set-target=name=x86-64-v3 --m1-to-plan | FileCheck %s

// CHECK-LABEL: plan.program @kept(
// CHECK: %[[GATE:.*]] = plan.buffer rows T : memref<?x2x33xf32>
// CHECK: %[[UP:.*]] = plan.buffer rows T : memref<?x2x33xf32>
// CHECK: %[[GATES:.*]] = plan.view %[[GATE]] at 0 rows T * 2 : memref<?x2x33xf32> to memref<?x33xf32>
// CHECK: %[[UPS:.*]] = plan.view %[[UP]] at 0 rows T * 2 : memref<?x2x33xf32> to memref<?x33xf32>
// CHECK: plan.launch @[[$FORWARD:experts_up[a-z0-9_]*]] grid
// CHECK-SAME: gate = %[[GATES]] : memref<?x33xf32> written, up = %[[UPS]] : memref<?x33xf32> written, hidden = %{{.*}} : memref<?x33xbf16> written)
// CHECK: %[[GATES:.*]] = plan.view %[[GATE]] at 0 rows T * 2
// CHECK: %[[UPS:.*]] = plan.view %[[UP]] at 0 rows T * 2
// CHECK: plan.launch @[[$GRADIENT:experts_hidden_gradient[a-z0-9_]*]] grid [T ceildiv 64, 1, 2]
// CHECK-SAME: (dy = %{{[^ ]*}} : memref<?x8xbf16>, weights = %{{[^ ]*}} : memref<?x1xf32>, w2 = %{{[^ ]*}} : memref<2x2x8x32xbf16>, pairs =
// CHECK-SAME: gate = %[[GATES]] : memref<?x33xf32>, up = %[[UPS]] : memref<?x33xf32>, terms =
// CHECK-SAME: plan.operations = [{factor = 5.280000e+02

// CHECK-LABEL: plan.program @anew(
// CHECK: plan.launch @[[$PLAIN:experts_up[a-z0-9_]*]] grid
// CHECK-NOT: gate
// CHECK: plan.launch @[[$ANEW:experts_hidden_gradient[a-z0-9_]*]] grid [T ceildiv 64, 1, 2]
// CHECK-SAME: (dy = %{{[^ ]*}} : memref<?x8xbf16>, x = %{{[^ ]*}} : memref<?x8xbf16>, weights =
// CHECK-SAME: w1 = %{{[^ ]*}} : memref<2x2x8x32xbf16>, w3 = %{{[^ ]*}} : memref<2x2x8x32xbf16>, w2 =
// CHECK-SAME: plan.operations = [{factor = 1.584000e+03

// CHECK: tile.kernel @[[$FORWARD]](
// CHECK: %[[A:.*]] = tile.dot
// CHECK: %[[B:.*]] = tile.dot
// CHECK: tile.scatter %[[A]], %gate[%[[PAIRS:.*]], %[[COLUMN:.*]]] rows %[[ROWS:.*]] cols %[[COLUMNS:.*]] :
// CHECK: tile.scatter %[[B]], %up[%[[PAIRS]], %[[COLUMN]]] rows %[[ROWS]] cols %[[COLUMNS]] :

// CHECK: tile.kernel @[[$GRADIENT]](
// CHECK: %[[A:.*]] = tile.gather %gate[%[[PAIRS:.*]], %[[COLUMN:.*]]] rows %[[ROWS:.*]] cols %[[COLUMNS:.*]] : memref<?x33xf32>, vector<64xi32>, vector<64x32xf32>
// CHECK: %[[B:.*]] = tile.gather %up[%[[PAIRS]], %[[COLUMN]]] rows %[[ROWS]] cols %[[COLUMNS]] :
// CHECK-COUNT-1: tile.dot
// CHECK-NOT: tile.dot
// CHECK: tile.kernel @

m1.parameter @w1 : tensor<2x33x8xbf16> from [#m1.source<"gate">]
m1.parameter @w3 : tensor<2x33x8xbf16> from [#m1.source<"up">]
m1.parameter @w2 : tensor<2x8x33xbf16> from [#m1.source<"down">]

func.func @kept(%x: tensor<?x8xbf16>, %dy: tensor<?x8xbf16>, %e: tensor<?x2xi32>, %p: tensor<?x2xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %w1 = m1.load_parameter @w1 : tensor<2x33x8xbf16>
  %w3 = m1.load_parameter @w3 : tensor<2x33x8xbf16>
  %w2 = m1.load_parameter @w2 : tensor<2x8x33xbf16>
  %y, %a, %b = m1.experts %x, %e, %p, %w1, %w3, %w2
      : (tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<2x33x8xbf16>, tensor<2x33x8xbf16>, tensor<2x8x33xbf16>)
      -> (tensor<?x8xf32>, tensor<?x2x33xf32>, tensor<?x2x33xf32>)
  %dx, %dp, %h, %da, %db = m1.experts_gradient %dy, %x, %e, %p, %w1, %w3, %w2 products %a, %b
      : (tensor<?x8xbf16>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<2x33x8xbf16>, tensor<2x33x8xbf16>, tensor<2x8x33xbf16>, tensor<?x2x33xf32>, tensor<?x2x33xf32>)
      -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x33xbf16>, tensor<?x2x33xbf16>, tensor<?x2x33xbf16>)
  return %y, %dx : tensor<?x8xf32>, tensor<?x8xf32>
}

func.func @anew(%x: tensor<?x8xbf16>, %dy: tensor<?x8xbf16>, %e: tensor<?x2xi32>, %p: tensor<?x2xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %w1 = m1.load_parameter @w1 : tensor<2x33x8xbf16>
  %w3 = m1.load_parameter @w3 : tensor<2x33x8xbf16>
  %w2 = m1.load_parameter @w2 : tensor<2x8x33xbf16>
  %y = m1.experts %x, %e, %p, %w1, %w3, %w2
      : (tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<2x33x8xbf16>, tensor<2x33x8xbf16>, tensor<2x8x33xbf16>)
      -> tensor<?x8xf32>
  %dx, %dp, %h, %da, %db = m1.experts_gradient %dy, %x, %e, %p, %w1, %w3, %w2
      : (tensor<?x8xbf16>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<2x33x8xbf16>, tensor<2x33x8xbf16>, tensor<2x8x33xbf16>)
      -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x33xbf16>, tensor<?x2x33xbf16>, tensor<?x2x33xbf16>)
  return %y, %dx : tensor<?x8xf32>, tensor<?x8xf32>
}
