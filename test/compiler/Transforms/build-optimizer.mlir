// RUN: m1-opt %s --split-input-file --m1-build-optimizer --verify-diagnostics | FileCheck %s

m1.parameter @w : tensor<8x4xbf16> from [#m1.source<"w">]
m1.state @w.gradient : !m1.tensor_state<8x4xf32>
m1.state @w.master : !m1.tensor_state<8x4xf32> from @w
m1.state @w.first : !m1.tensor_state<8x4xf32>
m1.state @w.second : !m1.tensor_state<8x4xf32>
m1.state @w.gradient.1 : !m1.tensor_state<8x4xf32>
m1.trained @w master @w.master moments @w.first, @w.second gradient @w.gradient further [@w.gradient.1]

// CHECK-LABEL: func.func @collect()
// CHECK: %[[A:.*]] = m1.read_state @w.gradient :
// CHECK: %[[B:.*]] = m1.read_state @w.gradient.1
// CHECK: %[[SUM:.*]], %[[NONE:.*]] = m1.move_state %[[B]] to %[[A]]
// CHECK: m1.write_state %[[NONE]], @w.gradient.1
// CHECK: m1.write_state %[[SUM]], @w.gradient :

// CHECK-LABEL: func.func @update(
// CHECK-SAME: %[[MAX:[^:]*]]: tensor<1xf32> {m1.name = "max_norm"}
// CHECK-SAME: %[[ENABLED:[^:]*]]: tensor<1xi32> {m1.name = "enabled"}
// CHECK-SAME: %[[RATES:[^:]*]]: tensor<1xf32> {m1.name = "learning_rates"}
// CHECK-SAME: %[[DECAYS:[^:]*]]: tensor<1xf32> {m1.name = "weight_decays"}
// CHECK-SAME: %[[HYPER:[^:]*]]: tensor<5xf32> {m1.name = "hyperparameters"}
// CHECK: %[[G:.*]], %{{.*}} = m1.move_state
// CHECK: %[[SQUARES:.*]], %[[G1:.*]] = m1.squared_sum %[[G]]
// CHECK: %[[NORM:.*]], %[[SCALE:.*]], %[[APPLIED:.*]] = m1.clip_norm %[[SQUARES]] max %[[MAX]] if %[[ENABLED]]
// CHECK: m1.adamw {{.*}} gradient %[[G1]] scale %[[SCALE]] if %[[APPLIED]] rates %[[RATES]] decays %[[DECAYS]]
// CHECK-SAME: hyperparameters %[[HYPER]] index 0
// CHECK: m1.write_state {{.*}}, @w.master
// CHECK: m1.write_state {{.*}}, @w.first
// CHECK: m1.write_state {{.*}}, @w.second
// CHECK: m1.write_state {{.*}}, @w.gradient
// CHECK: m1.update_parameter @w from @w.master
// CHECK: return %[[NORM]], %[[APPLIED]]

// CHECK-LABEL: func.func @publish()
// CHECK-NEXT: m1.update_parameter @w from @w.master
// CHECK-NEXT: return

// -----

// Nothing is trained: nothing is added.

// CHECK-LABEL: m1.parameter @unused
// CHECK-NOT: func.func
m1.parameter @unused : tensor<8xf32> from [#m1.source<"unused">]

// -----

m1.parameter @v : tensor<8xf32> from [#m1.source<"v">]
m1.state @v.gradient : !m1.tensor_state<8xf32>
m1.state @v.master : !m1.tensor_state<8xf32> from @v
m1.state @v.first : !m1.tensor_state<8xf32>
m1.state @v.second : !m1.tensor_state<8xf32>
m1.trained @v master @v.master moments @v.first, @v.second gradient @v.gradient

// expected-error@+1 {{'update' is the name of a function of the optimiser; rename this one}}
func.func @update(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  return %x : tensor<?x8xf32>
}
